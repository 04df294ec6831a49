import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { done } from "../../../shared/http/rpc-result.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { readBlockRecord } from "./blocks.ts";
import { operation } from "../http/operation.ts";
import { findEnvelope } from "./private-envelope.ts";
import * as api from "../../../shared/api/privacy.ts";

export const showPrivate = operation(api.showPrivate, async (call) => {
  const { env, params } = call;
  const { txId } = params;
  const facts = await chainHead(env).transaction(txId);
  const { source, envelope } = await findEnvelope(txId, facts, env);
  const block = facts?.block;
  if (facts?.state !== "mined" || block === undefined || block === null || !reached(block.state, "persisted"))
    return json({
      txId,
      blockNumber: null,
      source,
      privateCommitment: null,
      envelope,
    } satisfies api.PrivateEnvelope);
  const { blockNumber } = block;
  const { transactions } = await readBlockRecord(call, blockNumber);
  const privateCommitment = transactions.find(({ id }) => id === txId)?.privateCommitment ?? null;
  return json({ txId, blockNumber, source, privateCommitment, envelope } satisfies api.PrivateEnvelope);
});

export const erasePrivate = operation(
  api.erasePrivate,
  async ({ env, params: { txId }, body: { reason }, operator, requestId }) => {
    if (operator === undefined) throw new Problem("unauthorized", "Erasing is for operators.");
    const erased = done(await env.ACCOUNTS.erase(txId, { by: operator.name, reason }, requestId));
    return json(erased satisfies api.Erased);
  },
);
