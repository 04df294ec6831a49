import { chainHead } from "../../../shared/objects/chain-head.ts";
import { haltedText } from "../../../shared/api/halted-text.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { BlockFacts } from "../../chain-head/reads/block-facts.ts";
import type { MiningAnswer } from "../../chain-head/decisions/request-mining.ts";
import { operation, type Call } from "../http/operation.ts";
import { published } from "./published.ts";
import * as api from "../../../shared/api/mine.ts";
const ASK_AGAIN_AFTER_MS = 200;
const ARRIVAL_GRACE_MS = 3_000; // the queue hands a payment on after one second at the latest

/**
 * Approves mining of every transaction that waits now. Two requests at one moment concern the same block. With `wait`, it answers
 * when that block is complete and published, or 202 with the block's state when the time is over.
 */
export const mine = operation(api.mine, async ({ env, query: { wait }, log }) => {
  const answer = await requestMining(env, Math.min(wait * 1_000, ARRIVAL_GRACE_MS));
  log.info("mining.requested", {
    mining: answer.mining,
    blockNumber: answer.mining ? answer.blockNumber : undefined,
  });
  if (!answer.mining) {
    if (answer.reason === "halted") throw new Problem("halted", haltedText(answer.halted));
    const { reason, detail } = answer;
    return json({ mined: false, reason, detail } satisfies api.NothingMined);
  }

  const { blockNumber } = answer;
  const finished = await waitForBlock(env, blockNumber, Date.now() + wait * 1_000);
  if (finished && isFinished(finished)) {
    const { hash, ipfsHash, transactionCount } = published(finished);
    const r2Key = r2Keys.block(blockNumber);
    return json({
      blockNumber,
      hash,
      ipfsHash,
      r2Key,
      transactions: transactionCount,
    } satisfies api.MinedBlock);
  }
  if (finished === null && wait > 0 && (await nothingLeft(env)))
    return json({
      mined: false,
      reason: "all_set_aside",
      detail:
        "every transaction that waited was set aside: GET /api/dead-letters?stage=miner says why; POST /api/dead-letters/replays has them mined once the cause is mended",
    } satisfies api.NothingMined);
  const { halted } = await chainHead(env).head();
  if (halted !== null) throw new Problem("halted", haltedText(halted));
  return json(
    {
      blockNumber,
      transactions: finished?.transactionCount ?? answer.transactions,
      state: finished?.state ?? answer.state,
      statusUrl: "/api/vdc/status",
    } satisfies api.MiningRequested,
    { status: 202, headers: { location: "/api/vdc/status" } },
  );
});

/**
 * Requests mining. A caller that can wait is not told that nothing is pending while a payment just accepted is still in the
 * webhook's queue.
 */
async function requestMining(env: Call["env"], waitMs: number): Promise<MiningAnswer> {
  const until = Date.now() + waitMs;
  for (;;) {
    const answer = await chainHead(env).requestMining();
    const nothing = !answer.mining && answer.reason === "nothing_pending";
    if (!nothing || Date.now() + ASK_AGAIN_AFTER_MS > until) return answer;
    await scheduler.wait(ASK_AGAIN_AFTER_MS);
  }
}

async function waitForBlock(
  env: Call["env"],
  blockNumber: number,
  until: number,
): Promise<BlockFacts | null> {
  for (;;) {
    const facts = await chainHead(env).block(blockNumber);
    if ((facts && isFinished(facts)) || Date.now() + ASK_AGAIN_AFTER_MS > until) return facts;
    if (facts === null && (await nothingLeft(env))) return null;
    await scheduler.wait(ASK_AGAIN_AFTER_MS);
  }
}

/** Decides whether the block can no longer come: no transaction waits for it, and no block is being made. */
async function nothingLeft(env: Call["env"]): Promise<boolean> {
  const { counts, unfinished } = await chainHead(env).status();
  return counts.waiting === 0 && unfinished.every(({ blockNumber }) => blockNumber === 0);
}

function isFinished({ state, published }: BlockFacts): boolean {
  return state === "complete" && published;
}
