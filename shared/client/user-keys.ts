import * as v from "valibot";
import type { EncryptionKey, SigningKey, UserSignature } from "../chain/transaction.ts";
import { base64url, fromBase64url } from "../crypto/bytes.ts";
import {
  generateEncryptionSeed,
  importEncryptionPublicKey,
  importEncryptionSeed,
  type EncryptionPublicKey,
  type Envelope,
} from "../crypto/envelope.ts";
import { keyId } from "../crypto/key-id.ts";
import { generateSigningSeed, importSigningSeed } from "../crypto/ml-dsa.ts";

/** A user's keys as stored: the seeds, base64url of 32 and of 64 bytes. They are secret, and there is no other copy. */
export const UserKeysJson = v.strictObject({
  v: v.literal(1),
  signingSeed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, "expected base64url of 32 bytes")),
  encryptionSeed: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{86}$/, "expected base64url of 64 bytes")),
});
export type UserKeysJson = v.InferOutput<typeof UserKeysJson>;

/** A user's keys, ready for use. The private keys cannot be read out of this object. */
export interface UserKeys {
  /** Key id of the signing key: the user's id. */
  readonly userId: string;
  readonly signingKey: SigningKey;
  readonly encryptionKey: EncryptionKey;
  /** @param context one of `shared/crypto/contexts.ts` */
  sign(message: Uint8Array, context: string): Promise<UserSignature>;
  /** Seals to the user's own key. */
  readonly seal: EncryptionPublicKey["seal"];
  /** @throws Permanent("undecryptable") for an envelope that is not sealed to this user */
  open(envelope: Envelope): Promise<Uint8Array>;
}

export function generateUserKeys(): UserKeysJson {
  return {
    v: 1,
    signingSeed: base64url(generateSigningSeed()),
    encryptionSeed: base64url(generateEncryptionSeed()),
  };
}

/** @throws TypeError when a seed is not base64url of the right length */
export async function importUserKeys({ signingSeed, encryptionSeed }: UserKeysJson): Promise<UserKeys> {
  const signing = await importSigningSeed(fromBase64url(signingSeed));
  const encryption = await importEncryptionSeed(fromBase64url(encryptionSeed));
  const own = await importEncryptionPublicKey(encryption.publicKey);
  const signingKey: SigningKey = {
    keyId: keyId("ML-DSA-44", signing.publicKey),
    algorithm: "ML-DSA-44",
    publicKey: base64url(signing.publicKey),
  };
  return {
    userId: signingKey.keyId,
    signingKey,
    encryptionKey: {
      keyId: encryption.kid,
      algorithm: "ML-KEM-768",
      publicKey: base64url(encryption.publicKey),
    },
    async sign(message, context) {
      const signature = base64url(await signing.sign(message, context));
      return { algorithm: "ML-DSA-44", keyId: signingKey.keyId, publicKey: signingKey.publicKey, signature };
    },
    seal: (txId, plaintext) => own.seal(txId, plaintext),
    open: (envelope) => encryption.open(envelope),
  };
}
