import * as v from "valibot";
import { fromBase64url } from "../crypto/bytes.ts";
import type { Json } from "../crypto/canonical.ts";
import {
  AssetCreationData,
  AssetTransferData,
  privateCommitment,
  PrivatePart,
  Timestamp,
  txIdOf,
  UserRegistrationData,
  UserSignature,
  type PendingPayload,
  type Transaction,
  type TxId,
} from "./transaction.ts";

const submissionOf = <Type extends string, Data extends v.GenericSchema>(type: Type, data: Data) =>
  v.strictObject({
    type: v.literal(type),
    timestamp: Timestamp,
    data,
    private: v.optional(PrivatePart),
    signatures: v.strictObject({ user: UserSignature }),
  });

/**
 * The fields that a user signs and submits. The transaction's id and its commitment follow from them and are not sent.
 * The signature is over the transaction with both. docs/format.md, section 4.
 */
export const Submission = v.variant("type", [
  submissionOf("user_registration", UserRegistrationData),
  submissionOf("asset_creation", AssetCreationData),
  submissionOf("asset_transfer", AssetTransferData),
]);
export type Submission = v.InferOutput<typeof Submission>;

export const SUBMITTED_TYPES = ["user_registration", "asset_creation", "asset_transfer"] as const;
export type SubmittedType = (typeof SUBMITTED_TYPES)[number];

/** A submission that has not been signed yet. */
export type UnsignedSubmission = Submission extends infer Each
  ? Each extends Submission
    ? Omit<Each, "signatures">
    : never
  : never;

/**
 * The id of a user's transaction. It is derived from the chain, the key and the contents, so another chain or another
 * user cannot have it. Ids and signatures are not part of the input, because the signed bytes hold the id.
 * @param signerKeyId key id of the user's signing key
 */
export function submissionTxId(
  chainId: string,
  signerKeyId: string,
  { type, timestamp, data, privateCommitment: commitment }: Omit<Transaction, "id" | "signatures">,
): TxId {
  return txIdOf({
    source: "user",
    chainId,
    keyId: signerKeyId,
    type,
    timestamp,
    data,
    ...(commitment !== undefined && { privateCommitment: commitment }),
  });
}

/** The transaction that a submission becomes, without its signatures: the input of `signedTransactionBytes`. */
export function unsignedTransaction(
  chainId: string,
  signerKeyId: string,
  submission: UnsignedSubmission,
): Transaction {
  const { type, timestamp, data, private: privatePart } = submission;
  const contents = {
    type,
    timestamp,
    data,
    ...(privatePart !== undefined && {
      privateCommitment: privateCommitment(fromBase64url(privatePart.salt), privatePart.part as Json),
    }),
  } as Omit<Transaction, "id" | "signatures">;
  return { ...contents, id: submissionTxId(chainId, signerKeyId, contents), signatures: {} } as Transaction;
}

/** The contents of the envelope of a submission. The signature has not been verified here. */
export function payloadOfSubmission(chainId: string, submission: Submission): PendingPayload {
  const { signatures, private: privatePart } = submission;
  const unsigned = unsignedTransaction(chainId, signatures.user.keyId, submission);
  const transaction = { ...unsigned, signatures } as Transaction;
  return { transaction, ...(privatePart !== undefined && { private: privatePart as PrivatePart }) };
}
