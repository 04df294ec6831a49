import { reached, type BlockState } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Permanent } from "../../../shared/runtime/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { BlockReport } from "../../../shared/api/storage-report.ts";
import { recordReports, resolve } from "./record-reports.ts";
import type { Env } from "../env.ts";
import { knownBlock, readChain } from "./known-blocks.ts";
import { withReportedTiers } from "./reported-tiers.ts";
import { verifyStoredBlock } from "./verify-block.ts";

/** `unknown`: there is no such block · otherwise the state of a block that is not in every tier yet and need not be. */
export type NothingToVerify = { readonly none: "unknown" | BlockState; readonly totalBlocks: number };

/** Verifies one block for a caller that waits for the answer, so it waits for no rate limit. */
async function verifyOne(
  blockNumber: number,
  repair: boolean,
  env: Env,
  log: Log,
): Promise<BlockReport | NothingToVerify> {
  const [facts, { totalBlocks, ...chain }] = await Promise.all([
    chainHead(env).block(blockNumber),
    readChain(env),
  ]);
  if (facts === null) return { none: "unknown", totalBlocks };
  if (!reached(facts.state, "persisted")) return { none: facts.state, totalBlocks };
  return withReportedTiers(env, log, (tiers) =>
    verifyStoredBlock(knownBlock(facts), { chain, tiers, repair, longestWaitSeconds: 0, env, log }),
  );
}

export async function verifyForOperator(
  blockNumber: number,
  repair: boolean,
  env: Env,
  log: Log,
): Promise<BlockReport | NothingToVerify> {
  const report = await verifyOne(blockNumber, repair, env, log);
  if (!("none" in report)) await recordReports([report], repair, env);
  return report;
}

/** Verifies a block again whose dead letter is replayed. If it fails again, it is parked with one more failure. */
export async function verifyAgain(blockNumber: number, repair: boolean, env: Env, log: Log): Promise<void> {
  const report = await verifyOne(blockNumber, repair, env, log);
  if ("none" in report)
    throw new Error(`block ${blockNumber} is ${report.none}: there is nothing to verify yet`);
  await recordReports([report], false, env);
  if (report.status === "failed") throw new Permanent("unrepairable", report.message);
  if (report.status === "partial") throw new Error(report.message);
  await resolve(blockNumber, env);
}
