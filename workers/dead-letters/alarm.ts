import { errorText, type Log } from "../../shared/runtime/log.ts";
import { checkDue, nextCheck } from "./entries/check.ts";
import type { Env } from "./env.ts";
import { getValue, setValue } from "./key-values.ts";
import { nextRecovery, recoverIfDue } from "./replay/recovery.ts";
import { reindexPage } from "./entries/reindex.ts";
import { replayDue, replayNext } from "./replay/run.ts";
import type { Store } from "./store.ts";

const PAUSE_AFTER_FAILURE_MS = 2_000;
/** Due at once. A time in the past, because an alarm can't be set for 0. */
const AT_ONCE = 1;

/**
 * Does each task that is due, in portions that one call can do. Each may be repeated, so a crash costs only time.
 * @returns when the alarm must run again, in milliseconds since the epoch; `undefined` when no task is left
 */
export async function runDueTasks(
  store: Store,
  env: Env,
  clock: () => number,
  log: Log,
): Promise<number | undefined> {
  for (const [task, work] of [
    ["reindex", () => reindexPage(store, env, log)],
    ["replay", () => replayIfDue(store, env, clock(), log)],
    ["check", () => checkDue(store, env, clock())],
    ["recover", () => recoverIfDue(store, env, clock(), log)],
  ] as const) {
    const [outcome] = await Promise.allSettled([work()]);
    if (outcome.status === "fulfilled") continue;
    log.warn("duty.failed", { duty: task, error: errorText(outcome.reason) });
    store.decide((now) => setValue(store.sql, "pausedUntil", now + PAUSE_AFTER_FAILURE_MS));
  }
  return nextDue(store);
}

async function replayIfDue(store: Store, env: Env, now: number, log: Log): Promise<void> {
  const due = replayDue(store);
  if (due !== undefined && due <= now) await replayNext(store, env, log);
}

/** Returns when the first task is due, in milliseconds since the epoch; `undefined` when there is no task. */
export function nextDue(store: Store): number | undefined {
  const { sql } = store;
  const dates = [
    getValue(sql, "reindex") && AT_ONCE,
    replayDue(store),
    nextCheck(sql),
    nextRecovery(sql),
  ].filter((date) => date !== undefined);
  if (dates.length === 0) return undefined;
  return Math.max(Math.min(...dates), getValue(store.sql, "pausedUntil") ?? 0);
}
