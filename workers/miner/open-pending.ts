import * as v from "valibot";
import { PendingPayload, privateCommitment, type Transaction } from "../../shared/chain/transaction.ts";
import { userFault, type UserFault } from "../../shared/chain/user-signature.ts";
import { fromBase64url } from "../../shared/crypto/bytes.ts";
import { parseCanonical, type Json } from "../../shared/crypto/canonical.ts";
import { Envelope } from "../../shared/crypto/envelope.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import { Permanent, type PermanentReason } from "../../shared/runtime/errors.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { readPending } from "../../shared/storage/pending.ts";
import { requiresUserSignature, type Env } from "./env.ts";

/** Transaction types that come from outside. Genesis, key rotations and key revocations are the miner's own. */
const FROM_OUTSIDE: readonly Transaction["type"][] = [
  "payment",
  "refund",
  "refund_failure",
  "asset_creation",
  "asset_transfer",
  "user_registration",
];

/**
 * Reads a pending object, decrypts it and checks it in full. Returns its public transaction.
 * @throws Permanent when it can never be mined as it is; any other error when it can't be read now
 */
export async function openPending(
  txId: string,
  isMoved: boolean,
  keyring: Keyring,
  env: Env,
): Promise<Transaction> {
  const bytes = await readPending(env.R2, txId, isMoved);
  if (bytes === undefined) throw new Permanent("missing", `${r2Keys.pending(txId)} is not in R2`);
  const envelope = parse(Envelope, "undecryptable", bytes);
  if (envelope.txId !== txId)
    throw new Permanent("undecryptable", "the envelope belongs to another transaction");
  const payload = parse(PendingPayload, "invalid_transaction", await keyring.encryption.open(envelope));
  const { transaction } = payload;
  if (transaction.id !== txId)
    throw new Permanent("invalid_transaction", "the id inside is not the id outside");
  if (!FROM_OUTSIDE.includes(transaction.type))
    throw new Permanent("invalid_transaction", `a ${transaction.type} transaction can't come from outside`);
  checkCommitment(payload);
  await checkUserSignature(transaction, env);
  return transaction;
}

/** Reasons for faults of the user's half. A verifier would find each of them, so a block with such a transaction is invalid. */
const USER_FAULTS: Readonly<Record<UserFault, readonly [PermanentReason, string]>> = {
  unsigned: ["unsigned", "a transaction of this type needs a user signature"],
  not_to_be_signed: ["invalid_transaction", "a transaction of this type has no user signature"],
  wrong_id: ["invalid_transaction", "the id is not that of what the user signed on this chain"],
  wrong_signature: ["invalid_signature", "the user's signature does not verify"],
};

async function checkUserSignature(transaction: Transaction, env: Env): Promise<void> {
  const fault = await userFault(transaction, env.CHAIN_ID);
  if (fault !== undefined) throw new Permanent(...USER_FAULTS[fault]);
  if (transaction.signatures.user === undefined && requiresUserSignature(env))
    throw new Permanent("unsigned", "REQUIRE_USER_SIGNATURE is on and there is no user signature");
}

function checkCommitment({ transaction, private: privatePart }: v.InferOutput<typeof PendingPayload>): void {
  const committed =
    privatePart && privateCommitment(fromBase64url(privatePart.salt), privatePart.part as Json);
  if (transaction.privateCommitment !== committed)
    throw new Permanent("invalid_transaction", "the commitment is not that of the private part");
}

/** Parses decrypted bytes. valibot's issues would quote decrypted values, so the error names only the place of the fault. */
function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  reason: "undecryptable" | "invalid_transaction",
  bytes: Uint8Array,
): v.InferOutput<Schema> {
  try {
    return parseCanonical(schema, bytes);
  } catch (error) {
    if (!(error instanceof v.ValiError)) throw new Permanent(reason, "the bytes are not canonical JSON");
    const place = v.getDotPath(error.issues[0]) ?? "its top";
    throw new Permanent(reason, `the shape is wrong at ${place.startsWith("private.") ? "private" : place}`);
  }
}
