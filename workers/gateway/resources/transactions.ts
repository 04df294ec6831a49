import type { TransactionRecord } from "../../../shared/operations/block-index.ts";
import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import type { IntentFacts } from "../../chain-head/reads/intents.ts";
import type { TransactionFacts } from "../../chain-head/reads/transaction.ts";
import { operation } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/transactions.ts";

/** Answers `mined` only once the block is in every tier. */
export const transaction = operation(api.transaction, async (call) => {
  const { env, params } = call;
  const { txId } = params;
  const indexed = await env.KV.get<TransactionRecord>(kvKeys.transaction(txId), "json");
  if (indexed !== null)
    return json(
      {
        txId,
        state: "mined",
        ...indexed,
        blockUrl: blockUrl(indexed.blockNumber),
      } satisfies api.TransactionStatus,
      { headers: { "cache-control": "public, max-age=60" } },
    );

  await countReadBeyondKv(call);
  const { transaction: facts, intent } = await chainHead(env).whereIs(txId);
  if (facts !== null) return json(statusOf(facts));
  if (intent === null)
    throw new Problem(
      "not-found",
      "The chain does not know this transaction. A payment takes a few seconds to arrive; an event that is ignored never does.",
      { members: { txId, state: "unknown" } },
    );
  const found: IntentFacts & { txId: string } = { txId, ...intent };
  return json(found satisfies api.TransactionStatus);
});

function statusOf({
  txId,
  state,
  timestamp,
  admittedAt,
  block,
  reason,
}: TransactionFacts): api.TransactionStatus {
  if (state === "set_aside") return { txId, state, timestamp, admittedAt, reason };
  if (block === null) return { txId, state: "pending", timestamp, admittedAt };
  const { blockNumber, index, state: blockState } = block;
  return reached(blockState, "persisted") && index !== null
    ? { txId, state: "mined", blockNumber, index, timestamp, blockUrl: blockUrl(blockNumber) }
    : { txId, state: "reserved", blockNumber, timestamp, admittedAt, blockState };
}

const blockUrl = (blockNumber: number) => `/api/vdc/blocks/${blockNumber}`;
