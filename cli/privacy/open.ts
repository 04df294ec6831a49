import * as v from "valibot";
import { verifyBlock, type Block } from "../../shared/chain/block.ts";
import { namedBy, namingOnly } from "../../shared/chain/named.ts";
import {
  PendingPayload,
  privateCommitment,
  transactionBytes,
  type Transaction,
} from "../../shared/chain/transaction.ts";
import { base64url, equalBytes, fromBase64url } from "../../shared/crypto/bytes.ts";
import { parseCanonical, type Json } from "../../shared/crypto/canonical.ts";
import type { Envelope } from "../../shared/crypto/envelope.ts";
import type { Keyring } from "../../shared/crypto/keyring.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import type { PrivateEnvelope } from "../../shared/api/privacy.ts";
import { sourceBlockOf } from "../chain/record.ts";
import { asUnverified, UnverifiedChain, verifyCid } from "../chain/verify.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";

export interface OpenedPrivate {
  readonly transaction: Transaction;
  readonly private: PendingPayload["private"];
}

/**
 * Opens an envelope on this machine with the system's keys, and compares its contents with the given transaction.
 * @throws CommandFailure when the keys do not open it, or its contents do not match
 */
export async function openPrivate(
  { txId, envelope }: Pick<PrivateEnvelope, "txId" | "envelope">,
  keyring: Keyring,
): Promise<OpenedPrivate> {
  const payload = payloadIn(txId, await opened(envelope, keyring));
  const { transaction, private: privatePart } = payload;
  if (envelope.txId !== txId || transaction.id !== txId)
    throw new CommandFailure(`the envelope is of ${transaction.id}, and not of ${txId}`, EXIT.unverified);
  const committed = privatePart && privateCommitment(fromBase64url(privatePart.salt), privatePart.part);
  if (committed !== transaction.privateCommitment)
    throw new CommandFailure(
      `the private part of ${txId} is not the one that the transaction commits to`,
      EXIT.unverified,
    );
  return { transaction, private: privatePart };
}

async function opened(envelope: Envelope, keyring: Keyring): Promise<Uint8Array> {
  try {
    return await keyring.encryption.open(envelope);
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    if (error.reason === "unknown_key")
      throw new CommandFailure(
        `it is sealed to key ${envelope.kid}, which is not in this keyring: give the keyring that has it, decrypt-only or active`,
      );
    throw new CommandFailure(
      "the envelope does not open, though the keyring has its key: it was changed or damaged",
      EXIT.unverified,
    );
  }
}

/** Parses the payload. valibot's message would quote private data. */
function payloadIn(txId: string, bytes: Uint8Array): PendingPayload {
  try {
    return parseCanonical(PendingPayload, bytes) as PendingPayload;
  } catch (error) {
    if (!(error instanceof v.ValiError || error instanceof TypeError || error instanceof SyntaxError))
      throw error;
    throw new CommandFailure(`the envelope of ${txId} opens, but holds no transaction`, EXIT.unverified);
  }
}

/**
 * Checks that a published block holds exactly this transaction: the block's hash, Merkle root, CID and signature must
 * match its bytes. The key is the keyring's own, or else one that the chain announces.
 * @throws UnverifiedChain
 */
export async function checkInBlock(
  blockNumber: number,
  transaction: Transaction,
  client: Client,
  keyring: Keyring,
): Promise<void> {
  const source = sourceBlockOf(
    await client.call("GET /api/vdc/blocks/:blockNumber", { params: { blockNumber } }),
  );
  const announced = await client.call("GET /.well-known/vdc.json");
  const keyOf = (keyId: string) => {
    const own = keyring.signing.byId(keyId);
    return own
      ? base64url(own.publicKey)
      : announced.signingKeys.find((key) => key.keyId === keyId)?.publicKey;
  };
  const block = await verified(blockNumber, source.bytes, keyOf);
  await verifyCid(blockNumber, source);
  const mined = block.transactions.find(({ id }) => id === transaction.id);
  if (mined === undefined || !isMinedFrom(transaction, mined))
    throw new UnverifiedChain(
      blockNumber,
      "wrong_transaction",
      `transaction ${transaction.id} in the block differs from the one in the envelope`,
    );
}

/**
 * Allows `null` for a name: the miner removes the name of a transaction that the chain does not hold
 * (`workers/miner/name-held.ts`).
 */
function isMinedFrom(transaction: Transaction, mined: Transaction): boolean {
  const named = namedBy(mined);
  const expected = namingOnly(transaction, (txId) => named.includes(txId));
  return equalBytes(transactionBytes(mined), transactionBytes(expected));
}

async function verified(
  blockNumber: number,
  bytes: Uint8Array,
  keyOf: (keyId: string) => string | undefined,
): Promise<Block> {
  try {
    return await verifyBlock(bytes, { blockNumber }, keyOf);
  } catch (error) {
    throw asUnverified(blockNumber, error);
  }
}

// Characters that JSON does not escape: C1 controls, and marks that turn the direction of the text after them.
const COMMANDING = /[\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g;

/** Formats indented JSON. Escapes characters by which foreign text could control the terminal. */
export function asShown(part: Json): string {
  return JSON.stringify(part, null, 2).replaceAll(
    COMMANDING,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
