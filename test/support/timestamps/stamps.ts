import { importKey, makeAuthority, type AuthorityFiles } from "../../../cli/local/tsa/certificates.ts";
import { grantedResponse, readRequest } from "../../../cli/local/tsa/token.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { pemOf } from "../../../shared/timestamp/certificate.ts";
import { InvalidTimestamp, type TimestampFault } from "../../../shared/timestamp/invalid-timestamp.ts";
import { timestampRequest } from "../../../shared/timestamp/request.ts";
import { verifyTimestamp, type TimestampToVerify } from "../../../shared/timestamp/verify-timestamp.ts";

export const DATA = utf8("vdc.local/test\n3\nroot\n");
export const NONCE = Uint8Array.from([0xca, 1, 2, 3, 4, 5, 6, 7]);
export const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

/** A stamp of DATA with NONCE at NOW, by an authority of its own. */
export async function stampOf(
  authority: Pick<AuthorityFiles, "certificate" | "key">,
  time = NOW,
): Promise<Uint8Array<ArrayBuffer>> {
  const request = readRequest(timestampRequest(DATA, NONCE));
  return grantedResponse(request, time, {
    certificate: authority.certificate,
    key: await importKey(authority.key),
  });
}

export interface Stamped {
  readonly response: Uint8Array<ArrayBuffer>;
  /** The pinned certificate, as PEM. */
  readonly issuers: string;
}

export async function newStamp(): Promise<Stamped> {
  const authority = await makeAuthority(NOW);
  return { response: await stampOf(authority), issuers: pemOf(authority.issuer) };
}

/** Returns the reason for which the stamp is refused, or "accepted". Throws every other error. */
export async function verdictOn(
  stamp: Pick<TimestampToVerify, "response" | "issuers"> & Partial<TimestampToVerify>,
): Promise<TimestampFault | "accepted"> {
  try {
    await verifyTimestamp({ data: DATA, nonce: NONCE, ...stamp });
    return "accepted";
  } catch (error) {
    if (error instanceof InvalidTimestamp) return error.reason;
    throw error;
  }
}
