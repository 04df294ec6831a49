import * as v from "valibot";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { BlockFacts } from "../chain-head/reads.ts";
import type { MiningAnswer } from "../chain-head/request-mining.ts";
import { operation, type Call } from "./operation.ts";
import { number } from "./parameters.ts";

const MAX_WAIT_SECONDS = 60;
const ASK_AGAIN_AFTER = 200; // milliseconds
const ARRIVAL_GRACE = 3_000; // milliseconds; the queue hands a payment on after one second at the latest

/**
 * The operator's approval: all that waits now is mined. Two requests at one moment concern the same block. With
 * `wait`, answers when that block is complete and published, or 202 with its state when the time is over.
 */
export const mine = operation(
  {
    does: "Approves: all that waits now is signed and mined",
    who: "operator",
    query: v.strictObject({ wait: number({ least: 0, most: MAX_WAIT_SECONDS, otherwise: 0 }) }),
    answers: { 200: v.unknown(), 202: v.unknown() },
  },
  async ({ env, query: { wait }, log }) => {
    const answer = await requestMining(env, Math.min(wait * 1_000, ARRIVAL_GRACE));
    log.info("mining.requested", {
      mining: answer.mining,
      blockNumber: answer.mining ? answer.blockNumber : undefined,
    });
    if (!answer.mining) return json({ mined: false, reason: answer.reason, detail: answer.detail });

    const { blockNumber } = answer;
    const finished = await waitForBlock(env, blockNumber, Date.now() + wait * 1_000);
    if (finished && isFinished(finished))
      return json({
        blockNumber,
        hash: finished.hash,
        ipfsHash: finished.ipfsHash,
        r2Key: r2Keys.block(blockNumber),
        transactions: finished.transactionCount,
      });
    if (finished === null && wait > 0 && (await nothingLeft(env)))
      return json({
        mined: false,
        reason: "all_set_aside",
        detail:
          "every transaction that waited was set aside: GET /api/dead-letters?stage=miner says why; POST /api/dead-letters/replays has them mined once the cause is mended",
      });
    return json(
      {
        blockNumber,
        transactions: finished?.transactionCount ?? answer.transactions,
        state: finished?.state ?? answer.state,
        statusUrl: "/api/vdc/status",
      },
      { status: 202, headers: { location: "/api/vdc/status" } },
    );
  },
);

/** Who can wait is not told that nothing is there while a payment just taken is on its way from the webhook's queue. */
async function requestMining(env: Call["env"], patience: number): Promise<MiningAnswer> {
  const until = Date.now() + patience;
  for (;;) {
    const answer = await chainHead(env).requestMining("operator");
    const nothing = !answer.mining && answer.reason === "nothing_pending";
    if (!nothing || Date.now() + ASK_AGAIN_AFTER > until) return answer;
    await scheduler.wait(ASK_AGAIN_AFTER);
  }
}

async function waitForBlock(
  env: Call["env"],
  blockNumber: number,
  until: number,
): Promise<BlockFacts | null> {
  for (;;) {
    const facts = await chainHead(env).block(blockNumber);
    if ((facts && isFinished(facts)) || Date.now() + ASK_AGAIN_AFTER > until) return facts;
    if (facts === null && (await nothingLeft(env))) return null;
    await scheduler.wait(ASK_AGAIN_AFTER);
  }
}

/** The block will not come: nothing waits for it, and nothing is being made. */
async function nothingLeft(env: Call["env"]): Promise<boolean> {
  const { counts, unfinished } = await chainHead(env).status();
  return counts.waiting === 0 && unfinished.every(({ blockNumber }) => blockNumber === 0);
}

function isFinished({ state, published }: BlockFacts): boolean {
  return state === "complete" && published;
}
