import * as v from "valibot";
import { TxId } from "../chain/transaction.ts";
import { base64url, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { WholeText } from "../schema/integer-text.ts";

export const TOKEN_BYTES = 32;

/** @param random 32 bytes from a secure random source */
export function activationToken(random: Uint8Array): string {
  if (random.length !== TOKEN_BYTES) throw new TypeError(`a token is made of ${TOKEN_BYTES} random bytes`);
  return `vdc_at_${base64url(random)}`;
}

/** Identifies a token without revealing it. VDC stores this hash and never the token. Lower-case hex. */
export function tokenHashOf(token: string): string {
  return sha256Hex(utf8(token));
}

/**
 * The public metadata of a token's object (R2 custom metadata, which holds text only). Times are milliseconds since the
 * epoch. `usedBy`: the transaction for which the token was used; the token cannot register another.
 */
export interface TokenFacts {
  readonly expiresAt: number;
  readonly usedBy?: TxId;
  readonly usedAt?: number;
}

const StoredFacts = v.object({
  expiresAt: WholeText,
  usedBy: v.exactOptional(TxId),
  usedAt: v.exactOptional(WholeText),
});

export function tokenMetadata({ expiresAt, usedBy, usedAt }: TokenFacts): Record<string, string> {
  return {
    expiresAt: String(expiresAt),
    ...(usedBy !== undefined && { usedBy }),
    ...(usedAt !== undefined && { usedAt: String(usedAt) }),
  };
}

/** `undefined` for an object that VDC did not write. */
export function readTokenMetadata(metadata: Record<string, string> | undefined): TokenFacts | undefined {
  const parsed = v.safeParse(StoredFacts, metadata);
  return parsed.success ? parsed.output : undefined;
}

/** A token is expired from the millisecond `expiresAt` on. */
export function isExpired({ expiresAt }: TokenFacts, now: number): boolean {
  return now >= expiresAt;
}
