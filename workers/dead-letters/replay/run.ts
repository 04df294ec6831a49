import type { Log } from "../../../shared/runtime/log.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { EntryRow } from "../entries/entry-row.ts";
import { askChainHead, type ChainStates } from "../entries/work-status.ts";
import type { Env } from "../env.ts";
import { getValue, setValue } from "../key-values.ts";
import type { Store } from "../store.ts";
import { selectNext } from "./create.ts";
import { decide, type SendResult } from "./decide.ts";
import { factsAfterSending, factsBeforeSending } from "./facts.ts";
import { sendAll } from "./send.ts";
import {
  activeReplay,
  carryOut,
  endIfFinished,
  itemOf,
  MOST_AT_ONCE,
  nextPortion,
  type ReplayRow,
} from "./store.ts";

const PAUSE_AFTER_FAILURE_MS = 2_000;

/** Returns when the running replay may send next, in milliseconds since the epoch; `undefined` when no replay runs. */
export function replayDue({ sql }: Store): number | undefined {
  return activeReplay(sql) && getValue(sql, "replayDue");
}

/**
 * Sends the next portion of the running replay, no larger than its rate allows. Entries are marked before they are sent and
 * settled afterwards, so after a crash the next call sends the same portion. That is safe: a message that is sent twice takes
 * effect once, and a transaction is readmitted only when it is set aside.
 */
export async function replayNext(store: Store, env: Env, log: Log): Promise<void> {
  const replay = activeReplay(store.sql);
  if (replay === undefined) return;
  const { size, milliseconds } = portionAt(replay.rate);
  const portion = nextPortion(store.sql, replay.id, size);
  const states = await askChainHead(
    portion.map(({ row }) => row),
    env,
  );
  const marked = store.decide((now) => {
    setValue(store.sql, "replayDue", now + milliseconds);
    const begun = begin(store.sql, replay, size, states, now);
    selectNext(store.sql);
    return begun;
  });
  const sent = await sendAll(marked, env);
  store.decide((now) => {
    finish(store.sql, replay, sent, now);
    if ([...sent.values()].some(({ outcome }) => outcome === "again"))
      setValue(store.sql, "replayDue", now + PAUSE_AFTER_FAILURE_MS);
  });
  for (const { id, stage } of marked)
    log.info("dead_letter.replayed", { replayId: replay.id, id, stage, outcome: sent.get(id)?.outcome });
}

/** Splits the rate into equal portions of at most `MOST_AT_ONCE` entries, so that no second has more than the rate allows. */
function portionAt(rate: number): { size: number; milliseconds: number } {
  const inSecond = Math.ceil(rate / MOST_AT_ONCE);
  return { size: Math.floor(rate / inSecond), milliseconds: Math.ceil(1_000 / inSecond) };
}

/**
 * Settles the entries that need no replay, and marks and returns the others. They are marked as replaying before they are sent,
 * so that an entry that fails again at once is opened after the mark, not before. Returns nothing once the replay is aborted.
 */
function begin(sql: Sql, replay: ReplayRow, size: number, states: ChainStates, now: number): EntryRow[] {
  if (activeReplay(sql)?.id !== replay.id) return [];
  return nextPortion(sql, replay.id, size).flatMap((item) => {
    const decision = decide(factsBeforeSending(sql, item, states, replay.created_at));
    carryOut(sql, replay.id, item.row.id, decision, now);
    return decision.entry === "send" ? [item.row] : [];
  });
}

/** Records the results, and ends the replay when no entry is left. */
function finish(sql: Sql, replay: ReplayRow, sent: ReadonlyMap<string, SendResult>, now: number): void {
  const isRunning = activeReplay(sql)?.id === replay.id;
  for (const [id, result] of sent) {
    const item = itemOf(sql, replay.id, id);
    const decision = decide(factsAfterSending(item, replay, isRunning, result));
    carryOut(sql, replay.id, id, decision, now);
  }
  endIfFinished(sql, replay.id, now);
}
