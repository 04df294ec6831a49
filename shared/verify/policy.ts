import * as v from "valibot";
import { Sha256Hex } from "../chain/transaction.ts";
import { issuesText } from "../schema/issue-text.ts";
import { InvalidLog } from "../tlog/invalid-log.ts";
import { parsePolicy, type TlogPolicy } from "../tlog/policy.ts";
import { readIssuers } from "../timestamp/certificate.ts";
import { InvalidTimestamp } from "../timestamp/invalid-timestamp.ts";

/** The decisions of the verifier. No field of a proof changes what is checked. */
export interface VerifyPolicy {
  /** Hash of block 0, known from elsewhere. Without it no report says "verified". */
  readonly genesisHash?: string | undefined;
  /** Pins log keys (its `log` lines) and names witnesses. Without `log` lines, the block key's endorsement names the keys. */
  readonly witnesses?: TlogPolicy | undefined;
  /** Pinned certificates in PEM, by the authority's name in the proof. A time stamp of each is required. */
  readonly issuers?: Readonly<Record<string, string>> | undefined;
  /** A block that the verifier knows: the proved block must be in its history. */
  readonly head?: { readonly blockNumber: number; readonly hash: string } | undefined;
  /** The bytes of a document to which the transaction must commit. */
  readonly document?: Uint8Array | undefined;
  /** Canonical bytes of the transaction that the proof must be about. */
  readonly transaction?: Uint8Array | undefined;
  /** Id of the transaction that the proof must be about. */
  readonly txId?: string | undefined;
}

/** Name of a time-stamp authority, as proofs give it. */
const Authority = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,99}$/));

/** The contents of a policy file in JSON. */
export const PolicyFile = v.strictObject({
  format: v.literal("vdc-policy@1"),
  genesisHash: v.optional(Sha256Hex),
  /** C2SP tlog-policy. */
  witnesses: v.optional(v.string()),
  issuers: v.optional(v.record(Authority, v.string())),
  head: v.optional(
    v.strictObject({ blockNumber: v.pipe(v.number(), v.safeInteger(), v.minValue(0)), hash: Sha256Hex }),
  ),
});

/**
 * Reads a policy file: JSON `vdc-policy@1`, or the text of a C2SP tlog-policy.
 * @throws InvalidLog("malformed_policy")
 */
export function readPolicy(text: string): VerifyPolicy {
  if (!/^\s*[{[]/.test(text)) return { witnesses: parsePolicy(text) };
  const parsed = v.safeParse(PolicyFile, jsonOf(text));
  if (!parsed.success) throw malformed(issuesText(parsed.issues, "the policy"));
  const { genesisHash, witnesses, issuers, head } = parsed.output;
  for (const [authority, pem] of Object.entries(issuers ?? {})) requireCertificates(authority, pem);
  return {
    genesisHash,
    issuers,
    head,
    ...(witnesses !== undefined && { witnesses: parsePolicy(witnesses) }),
  };
}

function requireCertificates(authority: string, pem: string): void {
  try {
    readIssuers(pem);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof InvalidTimestamp)) throw error;
    throw malformed(`the issuers of ${authority}: ${error.message}`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed("the policy is not JSON");
  }
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_policy", detail);
}
