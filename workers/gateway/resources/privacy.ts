import * as v from "valibot";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { reached } from "../../../shared/chain/states.ts";
import { Sha256Hex, TxId } from "../../../shared/chain/transaction.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/outcome.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { readBlockRecord } from "./blocks.ts";
import { operation } from "../http/operation.ts";
import { findEnvelope } from "./private-envelope.ts";
import { Reason } from "../http/reason.ts";

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

export const showPrivate = operation(
  {
    does: "The envelope that holds a transaction's private part, still encrypted: no Worker that can be called opens one",
    who: "operator",
    params,
    body: PrivacyRequest,
    answers: { 200: PrivateEnvelope },
    problems: ["not-found", "erased", "unavailable"],
  },
  async (call) => {
    const { env, params } = call;
    const { txId } = params;
    const facts = await chainHead(env).transaction(txId);
    const { source, envelope } = await findEnvelope(txId, facts, env);
    const block = facts?.block;
    if (
      facts?.state !== "mined" ||
      block === undefined ||
      block === null ||
      !reached(block.state, "persisted")
    )
      return json({
        txId,
        blockNumber: null,
        source,
        privateCommitment: null,
        envelope,
      } satisfies PrivateEnvelope);
    const { blockNumber } = block;
    const { transactions } = await readBlockRecord(call, blockNumber);
    const privateCommitment = transactions.find(({ id }) => id === txId)?.privateCommitment ?? null;
    return json({ txId, blockNumber, source, privateCommitment, envelope } satisfies PrivateEnvelope);
  },
);

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

export const erasePrivate = operation(
  {
    does: "Removes a transaction's private part for good, wherever it is; the chain, and its commitment in it, stay as they are",
    who: "operator",
    params,
    body: PrivacyRequest,
    answers: { 200: Erased },
    problems: ["not-found", "not-ready", "unavailable"],
  },
  async ({ env, params: { txId }, body: { reason }, operator, requestId }) => {
    if (operator === undefined) throw new Problem("unauthorized", "Erasing is for operators.");
    const erased = done(await env.ACCOUNTS.erase(txId, { by: operator.name, reason }, requestId));
    return json({ ...erased, removed: [...erased.removed] } satisfies Erased);
  },
);
