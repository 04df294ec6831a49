import { chainHead } from "../../shared/chain-head.ts";
import type { Log } from "../../shared/log.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import type { BlockReport, StorageRun, VerifyAllResult } from "../../shared/storage/report.ts";
import { chunkOf, TRANSACTIONS_AT_ONCE } from "./chunk.ts";
import { conclude } from "./conclude.ts";
import { storageRuns, type Env } from "./env.ts";
import { knownBlocks, readChain } from "./known-blocks.ts";
import { withReportedTiers } from "./reported-tiers.ts";
import { tellNext } from "./tell.ts";
import { verifyStoredBlock } from "./verify-block.ts";

/** A chain up to this size, with few transactions, is verified while the caller waits; any other by the queue. */
const BLOCKS_AT_ONCE = 50;
const BLOCKS_A_CHUNK = 20;
/** Each block asks for four things at a time, and six connections may be open (Cloudflare, Workers limits). */
const BLOCKS_TOGETHER = 2;
/** Seconds that a rate limit may hold up one request; the queue gives a chunk fifteen minutes. */
const PATIENCE = 65;

export type VerifyAllAnswer =
  | { readonly finished: VerifyAllResult }
  | { readonly started: StorageRun }
  | { readonly active: StorageRun };

export async function verifyAll(
  request: { readonly repair: boolean; readonly by: string; readonly rolling?: number },
  env: Env,
  log: Log,
): Promise<VerifyAllAnswer> {
  const [{ totalBlocks }, { counts }] = await Promise.all([readChain(env), chainHead(env).status()]);
  const run = { id: crypto.randomUUID(), kind: "verify" as const, totalBlocks, ...request };
  const answer = await storageRuns(env).start(run);
  if ("active" in answer) return answer;
  log.info("run.started", { runId: run.id, totalBlocks, repair: run.repair });
  if (answer.started.totalBlocks > BLOCKS_AT_ONCE || counts.mined > TRANSACTIONS_AT_ONCE) {
    await tellNext(answer.started, env);
    return answer;
  }
  const results: BlockReport[] = [];
  let state = answer.started;
  while (state.state === "running") {
    const { run: after, reports } = await verifyChunk(state, env, log);
    results.push(...reports);
    state = after;
  }
  if (state.state !== "done") return { started: state }; // somebody has ended it meanwhile
  const { verified, rehydrated, partial, failed, duration } = state;
  return {
    finished: { totalBlocks: state.totalBlocks, verified, rehydrated, partial, failed, results, duration },
  };
}

/** The next blocks of a run. Done twice, by a message that came twice, it is counted once. */
export async function verifyChunk(
  run: StorageRun,
  env: Env,
  log: Log,
): Promise<{ run: StorageRun; reports: readonly BlockReport[] }> {
  const from = run.next;
  const end = Math.min(from + BLOCKS_A_CHUNK, run.firstBlock + run.totalBlocks);
  const [chain, known] = await Promise.all([readChain(env), knownBlocks(env, from, end)]);
  if (known.length !== end - from)
    throw new Error(`the chain head has published ${known.length} of the blocks ${from} to ${end - 1}`);
  const chunk = chunkOf(known);
  const outcomes = await withReportedTiers(env, log, (tiers) => {
    const with_ = { chain, tiers, repair: run.repair, patience: PATIENCE, env, log };
    return settleConnections(chunk, (block) => verifyStoredBlock(block, with_), BLOCKS_TOGETHER);
  });
  const reports = outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  await conclude(reports, run.repair, env);
  const after = await storageRuns(env).recordChunk({
    runId: run.id,
    from,
    next: from + chunk.length,
    reports,
  });
  if (after.state === "done") await finish(after, env, log);
  return { run: after, reports };
}

/** KV's hot keys, which only the chain head writes, are part of what a run restores: they may be lost, or stale. */
async function finish(run: StorageRun, env: Env, log: Log): Promise<void> {
  const { verified, rehydrated, partial, failed } = run;
  log.info("run.finished", { runId: run.id, verified, rehydrated, partial, failed });
  if (run.repair) await chainHead(env).publishAgain();
}
