import * as v from "valibot";
import type { Submission } from "../chain/submission.ts";
import { Timestamp, TxId, UserRegistrationData, UserSignature } from "../chain/transaction.ts";
import { base64url, utf8 } from "../crypto/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { WholeText } from "../schema/integer-text.ts";
import { UserMetadataRecord } from "../chain/user-metadata.ts";

export const TOKEN_BYTES = 32;

export const ActivationToken = v.pipe(
  v.string(),
  v.regex(/^vdc_at_[A-Za-z0-9_-]{43}$/, "expected vdc_at_ and 43 characters"),
  v.description("Whoever holds it may register one user, once"),
);

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
 * The request that a user sends with a token. `signature` is that of the `user_registration` transaction of these keys at
 * this time: the same bytes as when it is submitted without a token. docs/format.md, section 4.
 */
export const ActivationRequest = v.strictObject({
  token: ActivationToken,
  timestamp: Timestamp,
  keys: UserRegistrationData,
  signature: UserSignature,
  encryptedMetadata: v.optional(UserMetadataRecord),
});
export type ActivationRequest = v.InferOutput<typeof ActivationRequest>;

/** The submission that an activation request stands for. Nothing has been verified. */
export function registrationOf({
  timestamp,
  keys,
  signature,
}: Pick<ActivationRequest, "timestamp" | "keys" | "signature">): Submission {
  return { type: "user_registration", timestamp, data: keys, signatures: { user: signature } };
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
