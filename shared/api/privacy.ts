import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Sha256Hex, TxId } from "../chain/transaction.ts";
import { Envelope } from "../crypto/envelope.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

export const PrivacyRequest = v.strictObject({ reason: Reason });
export type PrivacyRequest = v.InferOutput<typeof PrivacyRequest>;

export const PrivateEnvelope = v.strictObject({
  txId: TxId,
  blockNumber: v.pipe(v.nullable(BlockNumber), v.description("Null: it is in no published block")),
  source: v.pipe(
    v.picklist(["archive", "pending", "set-aside", "intent", "dead-letter"]),
    v.description("Where the envelope is: its block's archive, or where a transaction without a block waits"),
  ),
  privateCommitment: v.pipe(
    v.nullable(Sha256Hex),
    v.description("What the block commits to; null: it is in none, or there is no private part"),
  ),
  envelope: v.pipe(Envelope, v.description("As it is stored: only the system's keyring opens it")),
});
export type PrivateEnvelope = v.InferOutput<typeof PrivateEnvelope>;

const params = v.strictObject({ txId: TxId });

export const showPrivate = {
  does: "The envelope that holds a transaction's private part, still encrypted: no Worker that can be called opens one",
  who: "operator",
  params,
  body: PrivacyRequest,
  answers: { 200: PrivateEnvelope },
  problems: ["not-found", "erased", "unavailable"],
} as const satisfies Plan;

export const Erased = v.strictObject({
  txId: TxId,
  blockNumber: v.pipe(v.nullable(BlockNumber), v.description("Null: no block took it, and none will")),
  erased: v.literal(true),
  removed: v.pipe(
    v.array(v.string()),
    v.description("Keys in R2 under which nothing of it is left: the same when it is asked again"),
  ),
});
export type Erased = v.InferOutput<typeof Erased>;

export const erasePrivate = {
  does: "Removes a transaction's private part for good, wherever it is; the chain, and its commitment in it, stay as they are",
  who: "operator",
  params,
  body: PrivacyRequest,
  answers: { 200: Erased },
  problems: ["not-found", "not-ready", "unavailable"],
} as const satisfies Plan;
