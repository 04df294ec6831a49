import * as v from "valibot";
import { SEALED_NAMES } from "./sealed-names.ts";
import { Sha256Hex, UserSignature } from "./transaction.ts";
import { verifySignature } from "./user-signature.ts";
import { canonicalBytes } from "../crypto/canonical.ts";
import { USER_METADATA } from "../crypto/contexts.ts";
import { Envelope } from "../crypto/envelope.ts";

export const UserId = v.pipe(Sha256Hex, v.description("A user: the key id of the user's signing key"));
export type UserId = v.InferOutput<typeof UserId>;

/** Base64url characters. */
const LONGEST_CIPHERTEXT = 32_768;

const MetadataEnvelope = v.strictObject({
  ...Envelope.entries,
  ct: v.pipe(Envelope.entries.ct, v.maxLength(LONGEST_CIPHERTEXT, "at most 32 kB of ciphertext")),
});

/**
 * The metadata of a user, sealed to the user's own key: only the user can open it. The user's signature covers all of it,
 * with the chain's id. Therefore no other user can replace the record, and an older version cannot pass as a newer one.
 */
export const UserMetadataRecord = v.pipe(
  v.strictObject({
    userId: UserId,
    version: v.pipe(
      v.number(),
      v.safeInteger(),
      v.minValue(1),
      v.description("Higher than that of the record that it replaces"),
    ),
    envelope: MetadataEnvelope,
    signature: UserSignature,
  }),
  v.check(
    ({ userId, envelope }) => envelope.txId === SEALED_NAMES.userMetadata(userId),
    "the envelope is not sealed as this user's metadata",
  ),
);
export type UserMetadataRecord = v.InferOutput<typeof UserMetadataRecord>;

/** The bytes that the user signs (context `vdc/user-metadata/v1`). */
export function signedMetadataBytes(
  chainId: string,
  { envelope, userId, version }: Omit<UserMetadataRecord, "signature">,
): Uint8Array<ArrayBuffer> {
  return canonicalBytes({ chainId, envelope, userId, version });
}

/** Decides whether the record belongs to this chain and is signed by the user whom it is about. */
export async function verifyUserMetadata(chainId: string, record: UserMetadataRecord): Promise<boolean> {
  const { userId, signature } = record;
  return (
    signature.keyId === userId &&
    verifySignature(signature, signedMetadataBytes(chainId, record), USER_METADATA)
  );
}
