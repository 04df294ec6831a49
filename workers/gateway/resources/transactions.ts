import type { TransactionRecord } from "../../../shared/operations/block-index.ts";
import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { readClaim } from "../../../shared/api/indexed-through.ts";
import type { IntentFacts } from "../../chain-head/reads/intents.ts";
import type { TransactionFacts } from "../../chain-head/reads/transaction.ts";
import { operation } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/transactions.ts";

/** Answers `mined` only once the block is in every tier. */
export const transaction = operation(api.transaction, async (call) => {
  const { env, params } = call;
  const { txId } = params;
  const values = await env.KV.get<TransactionRecord>([kvKeys.transaction(txId), kvKeys.indexed], "json");
  const indexed = values.get(kvKeys.transaction(txId)) ?? null;
  if (indexed !== null)
    return json(
      {
        txId,
        state: "mined",
        ...indexed,
        blockUrl: blockUrl(indexed.blockNumber),
        indexedThrough: readClaim(values.get(kvKeys.indexed)),
      } satisfies api.TransactionStatus,
      { headers: { "cache-control": "public, max-age=60" } },
    );

  await countReadBeyondKv(call);
  const { transaction: facts, intent, indexedThrough } = await chainHead(env).whereIs(txId);
  if (facts !== null) return json({ ...statusOf(facts), indexedThrough } satisfies api.TransactionStatus);
  if (intent === null)
    throw new Problem(
      "not-found",
      "The chain does not know this transaction. A payment takes a few seconds to arrive; an event that is ignored never does.",
      { members: { txId, state: "unknown", indexedThrough } },
    );
  const found: IntentFacts & { txId: string } = { txId, ...intent };
  return json({ ...found, indexedThrough } satisfies api.TransactionStatus);
});

type WithoutClaim<Status> = Status extends unknown ? Omit<Status, "indexedThrough"> : never;

function statusOf({
  txId,
  state,
  timestamp,
  admittedAt,
  block,
  reason,
}: TransactionFacts): WithoutClaim<api.TransactionStatus> {
  if (state === "set_aside") return { txId, state, timestamp, admittedAt, reason };
  if (block === null) return { txId, state: "pending", timestamp, admittedAt };
  const { blockNumber, index, state: blockState } = block;
  return reached(blockState, "persisted") && index !== null
    ? { txId, state: "mined", blockNumber, index, timestamp, blockUrl: blockUrl(blockNumber) }
    : { txId, state: "reserved", blockNumber, timestamp, admittedAt, blockState };
}

const blockUrl = (blockNumber: number) => `/api/vdc/blocks/${blockNumber}`;
