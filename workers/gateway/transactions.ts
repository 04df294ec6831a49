import * as v from "valibot";
import type { TransactionRecord } from "../../shared/block-index.ts";
import { reached } from "../../shared/chain/states.ts";
import { TxId } from "../../shared/chain/transaction.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { CORS } from "./cors.ts";
import { operation } from "./operation.ts";

/** `mined` is said only once its block is in every tier. */
export const transaction = operation(
  {
    does: "Where a transaction is: pending, reserved, mined (block and index) or set_aside (with its reason)",
    who: "anyone",
    params: v.strictObject({ txId: TxId }),
    answers: { 200: v.unknown() },
    problems: ["not-found"],
  },
  async ({ env, params: { txId } }) => {
    const indexed = await env.KV.get<TransactionRecord>(kvKeys.transaction(txId), "json");
    if (indexed !== null)
      return json(
        { txId, state: "mined", ...indexed, blockUrl: `/api/vdc/blocks/${indexed.blockNumber}` },
        { headers: { ...CORS, "cache-control": "public, max-age=60" } },
      );

    const facts = await chainHead(env).transaction(txId);
    if (facts === null)
      throw new Problem(
        "not-found",
        "The chain does not know this transaction. A payment takes a few seconds to arrive; an event that is ignored never does.",
        { members: { txId, state: "unknown" } },
      );
    const { state, timestamp, admittedAt, block, reason } = facts;
    if (state === "set_aside") return json({ txId, state, timestamp, admittedAt, reason }, { headers: CORS });
    if (block === null) return json({ txId, state, timestamp, admittedAt }, { headers: CORS });
    const { blockNumber, index } = block;
    return reached(block.state, "persisted")
      ? json(
          { txId, state: "mined", blockNumber, index, timestamp, blockUrl: `/api/vdc/blocks/${blockNumber}` },
          { headers: CORS },
        )
      : json(
          { txId, state: "reserved", blockNumber, timestamp, admittedAt, blockState: block.state },
          { headers: CORS },
        );
  },
);
