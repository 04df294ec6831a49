import type { ChainRules } from "../../../shared/chain/rules.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { findBlock, unfinishedBlocks } from "../reads/blocks.ts";
import { noteCountBegun, noteCountDone } from "./count-write.ts";
import { duties, type BlockStage, type Duty } from "./outbox.ts";
import type { Env } from "../env.ts";
import { readFact, writeFact } from "../storage/key-values.ts";
import { expireIntents, forgetExpired } from "../decisions/intents.ts";
import { noteBegun, noteDone, writeInDoubt } from "./latest-write.ts";
import { forgetRefused } from "../decisions/refused.ts";
import { mineIfDue } from "../decisions/request-mining.ts";
import type { Sql } from "../storage/schema.ts";
import { parked } from "../decisions/set-aside.ts";
import { countStall } from "./stalls.ts";
import { parkNextAgain } from "./requeue.ts";

/** Milliseconds. */
const PAUSE_AFTER_FAILURE = 2_000;
const DEADLINE = 15_000;

/**
 * Does each duty that is due; the failure of one does not stop the others. A duty is struck off only after it succeeded, so a
 * crash repeats it.
 * @returns when the alarm must run again, in milliseconds since the epoch; `undefined` when no duty is left
 */
export async function doDuties(
  sql: Sql,
  env: Env,
  rules: ChainRules,
  clock: () => number,
  log: Log,
): Promise<number | undefined> {
  let failed = false;
  const started = clock();
  const due = duties(sql, rules).filter((owed) => owed.due <= started);
  for (const { duty } of withoutRepeats(due)) {
    try {
      await perform(duty, { sql, env, rules, clock });
      strikeOff(sql, duty, rules, started, clock());
    } catch (error) {
      failed = true;
      log.warn("duty.failed", { duty: duty.kind, error: errorText(error) });
    }
  }
  if (failed) writeFact(sql, "dutiesPausedUntil", clock() + PAUSE_AFTER_FAILURE);
  return nextDue(sql, rules);
}

/** Returns when the first duty is due, in milliseconds since the epoch; `undefined` when there is no duty. */
export function nextDue(sql: Sql, rules: ChainRules): number | undefined {
  const dates = duties(sql, rules, 1).map(({ due }) => due);
  return dates.length === 0 ? undefined : Math.min(...dates);
}

/**
 * Drops all but one duty to enqueue the miner: a stalled reservation and approved work both ask for it, and one message is
 * enough.
 */
function withoutRepeats(due: ReturnType<typeof duties>): ReturnType<typeof duties> {
  return due.filter(
    ({ duty }, i) =>
      duty.kind !== "nudge_miner" || due.findIndex((other) => other.duty.kind === "nudge_miner") === i,
  );
}

/** Does one duty with a deadline: a hanging call must not hold up the other duties until the platform ends the alarm. */
async function perform(duty: Duty, { sql, env, rules, clock }: Surroundings): Promise<void> {
  const within = rules.writeLandsWithinSeconds * 1_000;
  switch (duty.kind) {
    case "publish_latest": {
      const before = writeInDoubt(sql, clock());
      noteBegun(sql, duty.blockNumber, clock(), within);
      await withDeadline(DEADLINE, duty.kind, () => env.KV.put(kvKeys.latest, JSON.stringify(duty.value)));
      noteDone(sql, before);
      return;
    }
    case "publish_pending_count": {
      const before = noteCountBegun(sql, clock(), within);
      await withDeadline(DEADLINE, duty.kind, () => env.KV.put(kvKeys.pendingCount, String(duty.value)));
      noteCountDone(sql, before);
      return;
    }
    default:
      await withDeadline(DEADLINE, duty.kind, () => tell(duty, env));
  }
}

interface Surroundings {
  readonly sql: Sql;
  readonly env: Env;
  readonly rules: ChainRules;
  readonly clock: () => number;
}

async function tell(
  duty: Exclude<Duty, { kind: "publish_latest" | "publish_pending_count" }>,
  env: Env,
): Promise<void> {
  switch (duty.kind) {
    case "park":
      await env.SET_ASIDE_QUEUE.sendBatch(
        duty.transactions.map(({ txId, blockNumber, reason, error, at }) => ({
          body: { v: 1, kind: "set_aside", txId, blockNumber, reason, error: errorText(error), failedAt: at },
        })),
      );
      return;
    case "nudge_miner":
      await env.MINER_QUEUE.send({ v: 1 });
      return;
    case "nudge_stage":
      await nudgeStage(duty.stage, duty.blockNumber, env);
      return;
    case "park_again":
    case "request_mining":
    case "expire_intents":
    case "forget":
      return; // `strikeOff` decides it
  }
}

async function nudgeStage(stage: BlockStage, blockNumber: number, env: Env): Promise<void> {
  switch (stage) {
    case "tier-persister":
      await env.TIER_PERSISTER_QUEUE.send({ v: 1, blockNumber });
      return;
    case "indexer":
      await env.INDEXER_QUEUE.send({ v: 1, blockNumber, from: 0 });
      return;
    case "pending-cleaner":
      await env.PENDING_CLEANER_QUEUE.send({ v: 1, blockNumber });
      return;
  }
}

/** Marks a duty as done. A duty that was requested again while it was being done stays due. */
function strikeOff(sql: Sql, duty: Duty, rules: ChainRules, started: number, now: number): void {
  switch (duty.kind) {
    case "publish_latest":
      writeFact(sql, "publishedLatest", duty.blockNumber);
      writeFact(sql, "publishedLatestAt", now);
      return;
    case "publish_pending_count":
      writeFact(sql, "publishedPending", duty.value);
      writeFact(sql, "publishedPendingAt", now);
      return;
    case "park":
      for (const { txId, at } of duty.transactions) parked(sql, txId, at);
      return;
    case "park_again":
      parkNextAgain(sql);
      return;
    case "nudge_miner":
      if ((readFact(sql, "mineNudgeAt") ?? 0) <= started)
        writeFact(sql, "mineNudgeAt", now + rules.stallAfterSeconds * 1_000);
      for (const block of unfinishedBlocks(sql))
        if (block.state === "reserved") countStall(sql, block, rules, started);
      sql.exec(
        "UPDATE block SET nudged_at = ?, nudges = nudges + 1 WHERE state = 'reserved' AND state <> 'complete'",
        now,
      );
      return;
    case "nudge_stage":
      countStall(sql, findBlock(sql, duty.blockNumber), rules, started);
      sql.exec("UPDATE block SET nudged_at = ?, nudges = nudges + 1 WHERE number = ?", now, duty.blockNumber);
      return;
    case "request_mining":
      mineIfDue(sql, rules, now);
      return;
    case "expire_intents":
      expireIntents(sql, rules, now);
      return;
    case "forget":
      forgetRefused(sql, now);
      forgetExpired(sql, now);
      return;
  }
}
