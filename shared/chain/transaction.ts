import * as v from "valibot";
import { concat, fromBase64url } from "../crypto/bytes.ts";
import { canonicalBytes, type Json } from "../crypto/canonical.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { keyId, type KeyAlgorithm } from "../crypto/key-id.ts";

export const Sha256Hex = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"),
  v.description("A SHA-256, 32 bytes in lower-case hex"),
);

export const TxId = v.pipe(
  v.string(),
  v.regex(/^vdc_tx_[0-9a-f]{40}$/, "expected vdc_tx_ and 40 hex digits"),
  v.description("A transaction's id: vdc_tx_ and 160 bits in hex, derived from what it was made of"),
);
export type TxId = v.InferOutput<typeof TxId>;

/**
 * An asset's id. It has no `@` and no space, so that it cannot be an e-mail address or a full name: it is public for
 * ever.
 */
export const AssetId = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, "expected 1 to 128 of A-Z a-z 0-9 . _ : -"),
  v.description("An asset's id, public for ever"),
);
export type AssetId = v.InferOutput<typeof AssetId>;

export const Timestamp = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(0),
  v.description("Milliseconds since the epoch"),
);

const Base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/, "expected base64url without padding"));
export const CidV0 = v.pipe(
  v.string(),
  v.regex(/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/, "expected a CIDv0"),
  v.description("Where IPFS has it: a CIDv0"),
);

/**
 * A public key with its id. The id is derived from the key, so it cannot stand for another key. `shared/crypto/key-id.ts`
 */
const keyOf = <Algorithm extends KeyAlgorithm>(algorithm: Algorithm, byteLength: number) =>
  v.pipe(
    v.strictObject({ keyId: Sha256Hex, algorithm: v.literal(algorithm), publicKey: Base64url }),
    v.check(({ keyId: id, publicKey }) => {
      const bytes = decoded(publicKey);
      return bytes?.length === byteLength && keyId(algorithm, bytes) === id;
    }, "the key id is not that of the public key"),
  );

function decoded(text: string): Uint8Array | undefined {
  try {
    return fromBase64url(text);
  } catch {
    return undefined; // the text is not the canonical spelling of any bytes
  }
}

export const SigningKey = keyOf("ML-DSA-44", 1312); // FIPS 204 Table 2
export type SigningKey = v.InferOutput<typeof SigningKey>;

export const EncryptionKey = keyOf("ML-KEM-768", 1184); // FIPS 203 Table 3
export type EncryptionKey = v.InferOutput<typeof EncryptionKey>;

export const UserSignature = v.strictObject({
  algorithm: v.literal("ML-DSA-44"),
  keyId: Sha256Hex,
  publicKey: Base64url,
  signature: Base64url,
});
export type UserSignature = v.InferOutput<typeof UserSignature>;

export const KeyRevocation = v.strictObject({
  keyId: Sha256Hex,
  fromBlock: v.pipe(
    v.number(),
    v.safeInteger(),
    v.minValue(0),
    v.description("The key is not to be trusted from this block on"),
  ),
  reason: v.pipe(
    v.string(),
    v.regex(/^[ -~\u00a0-\uffff]{1,200}$/, "expected 1 to 200 characters on one line"), // no control characters
    v.description("Why, public for ever"),
  ),
});
export type KeyRevocation = v.InferOutput<typeof KeyRevocation>;

export const UserRegistrationData = v.strictObject({ signingKey: SigningKey, encryptionKey: EncryptionKey });
export const AssetCreationData = v.strictObject({
  assetId: AssetId,
  documentHash: v.optional(Sha256Hex),
  documentCid: v.optional(CidV0),
  documentType: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/))),
});
export const AssetTransferData = v.strictObject({ assetId: AssetId, newOwnerKeyId: Sha256Hex });

const transactionOf = <Type extends string, Data extends v.GenericSchema>(type: Type, data: Data) =>
  v.strictObject({
    id: TxId,
    type: v.literal(type),
    timestamp: Timestamp,
    data,
    privateCommitment: v.optional(Sha256Hex),
    signatures: v.strictObject({ user: v.optional(UserSignature) }),
  });

/**
 * A transaction as it stands in a block. It is public for ever, so `data` holds public facts only, by a strict schema for
 * each type. Personal data is in the private part, to which `privateCommitment` commits:
 * docs/format.md#43-private-part-and-commitment
 */
export const Transaction = v.variant("type", [
  transactionOf(
    "genesis",
    v.strictObject({
      chainId: v.string(),
      formatVersion: v.literal(1),
      signingKeys: v.pipe(v.array(SigningKey), v.length(1)),
      encryptionKeys: v.array(EncryptionKey),
    }),
  ),
  transactionOf("key_rotation", SigningKey),
  transactionOf("key_revocation", KeyRevocation),
  transactionOf("user_registration", UserRegistrationData),
  transactionOf("asset_creation", AssetCreationData),
  transactionOf("asset_transfer", AssetTransferData),
  transactionOf("payment", v.strictObject({ pays: v.optional(TxId) })),
  transactionOf("refund", v.strictObject({ refunds: v.nullable(TxId) })),
  transactionOf("refund_failure", v.strictObject({ failed: v.nullable(TxId), refunds: v.nullable(TxId) })),
]);
export type Transaction = v.InferOutput<typeof Transaction>;

export const TransactionType = v.picklist(Transaction.options.map(({ entries }) => entries.type.literal));
export type TransactionType = v.InferOutput<typeof TransactionType>;

/** The transaction without its signatures: the bytes that a user signs (context `vdc/transaction/v1`). */
export function signedTransactionBytes(transaction: Transaction): Uint8Array<ArrayBuffer> {
  const { signatures: _, ...signed } = transaction;
  return canonicalBytes(signed);
}

/** A Merkle leaf's data: the canonical bytes of the whole transaction, signatures included. */
export function transactionBytes(transaction: Transaction): Uint8Array<ArrayBuffer> {
  return canonicalBytes(transaction);
}

/** Derives an id. The same source gives the same id, so a repeat is recognised wherever it comes from. */
export function txIdOf(source: Json): TxId {
  return `vdc_tx_${sha256Hex(canonicalBytes(source)).slice(0, 40)}`;
}

/** 32 random bytes in base64url, so that the private part cannot be guessed from its commitment. */
export const Salt = v.pipe(
  v.string(),
  v.check((text) => decoded(text)?.length === 32, "expected base64url of 32 bytes"),
);

export const PrivatePart = v.strictObject({ salt: Salt, part: v.record(v.string(), v.unknown()) });
export type PrivatePart = { salt: string; part: { [name: string]: Json } };

/** The contents of a pending transaction's envelope: the public transaction and the private part. */
export const PendingPayload = v.strictObject({
  transaction: Transaction,
  private: v.optional(PrivatePart),
});
export type PendingPayload = { transaction: Transaction; private?: PrivatePart };

/** SHA-256 over the 32-byte salt and the canonical private part, lower-case hex: docs/format.md#43-private-part-and-commitment */
export function privateCommitment(salt: Uint8Array, part: Json): string {
  return sha256Hex(concat(salt, canonicalBytes(part)));
}
