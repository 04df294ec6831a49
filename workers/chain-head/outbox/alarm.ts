import type { ChainRules } from "../../../shared/chain/rules.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { findBlock, unfinishedBlocks } from "../reads/blocks.ts";
import { noteCountBegun, noteCountDone } from "./count-write.ts";
import { MOST_DOUBLINGS, outbox, type BlockStage, type DatedItem, type OutboxItem } from "./outbox.ts";
import type { Env } from "../env.ts";
import { getValue, setValue } from "../storage/key-values.ts";
import { claimPublished } from "../decisions/indexed-through.ts";
import { expireIntents, forgetExpired } from "../decisions/expire-intents.ts";
import { noteBegun, noteDone, writeInDoubt } from "./latest-write.ts";
import { forgetRefused } from "../decisions/refused.ts";
import { makeCheckpointDue } from "../decisions/checkpointed.ts";
import { mineIfDue } from "../decisions/request-mining.ts";
import type { Sql } from "../storage/schema.ts";
import { parked } from "../decisions/set-aside.ts";
import { countStall } from "./stalls.ts";
import { parkNextAgain } from "./requeue.ts";

const PAUSE_AFTER_FAILURE_MS = 2_000;
const DEADLINE_MS = 15_000;

/**
 * Does each item that is due; the failure of one does not stop the others. An item is marked as done only after it succeeded, so a
 * crash repeats it.
 * @returns when the alarm must run again, in milliseconds since the epoch; `undefined` when the outbox is empty
 */
export async function workOutbox(
  sql: Sql,
  env: Env,
  rules: ChainRules,
  clock: () => number,
  log: Log,
): Promise<number | undefined> {
  let failed = false;
  const started = clock();
  const due = outbox(sql, rules).filter((pending) => pending.due <= started);
  for (const { item } of withoutRepeats(due)) {
    try {
      await perform(item, { sql, env, rules, clock });
      markDone(sql, item, rules, started, clock());
    } catch (error) {
      failed = true;
      log.warn("outbox.failed", { item: item.kind, error: errorText(error) });
    }
  }
  if (failed) setValue(sql, "dutiesPausedUntil", clock() + PAUSE_AFTER_FAILURE_MS);
  return nextDue(sql, rules);
}

/** Returns when the first item is due, in milliseconds since the epoch; `undefined` when the outbox is empty. */
export function nextDue(sql: Sql, rules: ChainRules): number | undefined {
  const dates = outbox(sql, rules, 1).map(({ due }) => due);
  return dates.length === 0 ? undefined : Math.min(...dates);
}

/**
 * Drops all but one item to enqueue the miner: a stalled reservation and approved work both ask for it, and one message is
 * enough.
 */
function withoutRepeats(due: readonly DatedItem[]): readonly DatedItem[] {
  return due.filter(
    ({ item }, i) =>
      item.kind !== "requeue_miner" || due.findIndex((other) => other.item.kind === "requeue_miner") === i,
  );
}

/** Does one item with a deadline: a hanging call must not hold up the other items until the platform ends the alarm. */
async function perform(item: OutboxItem, { sql, env, rules, clock }: Surroundings): Promise<void> {
  const within = rules.writeLandsWithinSeconds * 1_000;
  switch (item.kind) {
    case "publish_latest": {
      const before = writeInDoubt(sql, clock());
      noteBegun(sql, item.blockNumber, clock(), within);
      await withDeadline(DEADLINE_MS, item.kind, () => env.KV.put(kvKeys.latest, JSON.stringify(item.value)));
      noteDone(sql, before);
      return;
    }
    case "publish_indexed":
      // A write that fails is repeated with the same claim until KV answers, so an unanswered one lands over no later claim.
      await withDeadline(DEADLINE_MS, item.kind, () =>
        env.KV.put(kvKeys.indexed, JSON.stringify(item.value)),
      );
      return;
    case "publish_pending_count": {
      const before = noteCountBegun(sql, clock(), within);
      await withDeadline(DEADLINE_MS, item.kind, () => env.KV.put(kvKeys.pendingCount, String(item.value)));
      noteCountDone(sql, before);
      return;
    }
    default:
      await withDeadline(DEADLINE_MS, item.kind, () => enqueue(item, env));
  }
}

interface Surroundings {
  readonly sql: Sql;
  readonly env: Env;
  readonly rules: ChainRules;
  readonly clock: () => number;
}

async function enqueue(
  item: Exclude<OutboxItem, { kind: "publish_latest" | "publish_indexed" | "publish_pending_count" }>,
  env: Env,
): Promise<void> {
  switch (item.kind) {
    case "park":
      await env.SET_ASIDE_QUEUE.sendBatch(
        item.transactions.map(({ txId, blockNumber, reason, error, at }) => ({
          body: { v: 1, kind: "set_aside", txId, blockNumber, reason, error: errorText(error), failedAt: at },
        })),
      );
      return;
    case "requeue_miner":
      await env.MINER_QUEUE.send({ v: 1 });
      return;
    case "requeue_stage":
      await requeueStage(item.stage, item.blockNumber, env);
      return;
    case "requeue_checkpointer":
      await env.CHECKPOINTER_QUEUE.send({ v: 1, blockNumber: item.blockNumber });
      return;
    case "park_again":
    case "request_mining":
    case "expire_intents":
    case "forget":
      return; // `markDone` decides it
  }
}

async function requeueStage(stage: BlockStage, blockNumber: number, env: Env): Promise<void> {
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

/** Marks an item as done. An item that was requested again while it was being done stays due. */
function markDone(sql: Sql, item: OutboxItem, rules: ChainRules, started: number, now: number): void {
  switch (item.kind) {
    case "publish_latest":
      setValue(sql, "publishedLatest", item.blockNumber);
      setValue(sql, "publishedLatestAt", now);
      makeCheckpointDue(sql, now);
      return;
    case "publish_indexed":
      claimPublished(sql, item.value, now);
      return;
    case "publish_pending_count":
      setValue(sql, "publishedPending", item.value);
      setValue(sql, "publishedPendingAt", now);
      return;
    case "park":
      for (const { txId, at } of item.transactions) parked(sql, txId, at);
      return;
    case "park_again":
      parkNextAgain(sql);
      return;
    case "requeue_miner":
      if ((getValue(sql, "mineNudgeAt") ?? 0) <= started)
        setValue(sql, "mineNudgeAt", now + rules.stallAfterSeconds * 1_000);
      for (const block of unfinishedBlocks(sql))
        if (block.state === "reserved") countStall(sql, block, rules, started);
      sql.exec(
        "UPDATE block SET nudged_at = ?, nudges = nudges + 1 WHERE state = 'reserved' AND state <> 'complete'",
        now,
      );
      return;
    case "requeue_stage":
      countStall(sql, findBlock(sql, item.blockNumber), rules, started);
      sql.exec("UPDATE block SET nudged_at = ?, nudges = nudges + 1 WHERE number = ?", now, item.blockNumber);
      return;
    case "requeue_checkpointer": {
      if ((getValue(sql, "checkpointDueAt") ?? 0) > started) return; // it became due again meanwhile
      const nudges = getValue(sql, "checkpointNudges") ?? 0;
      setValue(
        sql,
        "checkpointDueAt",
        now + rules.stallAfterSeconds * 1_000 * 2 ** Math.min(nudges, MOST_DOUBLINGS),
      );
      setValue(sql, "checkpointNudges", nudges + 1);
      return;
    }
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
