import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { StageRecovery } from "../../../shared/api/dead-letters.ts";
import type { StageName } from "../../../shared/pipeline.ts";

/**
 * Longest wait between two probes of a stage. The wait begins at a minute and doubles while no letter succeeds.
 */
const LONGEST_WAIT_MS = 6 * 3_600_000;

/** Number of letters in one replay once the stage works. The next replay follows when this one has ended. */
const RELEASED_AT_ONCE = 500;

export function recoveries(sql: Sql): StageRecovery[] {
  return sql
    .exec<{ stage: StageName; due: number; works: number }>(
      `SELECT stage, max(due, held_until) AS due, works_from IS NOT NULL AS works
       FROM recovery WHERE due IS NOT NULL ORDER BY stage`,
    )
    .toArray()
    .map(({ stage, due, works }) => ({
      stage,
      phase: works === 1 ? "replaying" : "probing",
      nextAt: works === 1 ? null : due,
    }));
}

/** Returns the stage that is due first, with its time in milliseconds since the epoch. */
export function firstDue(sql: Sql): { stage: StageName; due: number } | undefined {
  return sql
    .exec<{ stage: StageName; due: number }>(
      `SELECT stage, max(due, held_until) AS due FROM recovery WHERE due IS NOT NULL
       ORDER BY max(due, held_until), stage LIMIT 1`,
    )
    .toArray()[0];
}

/** Returns the ids of the letters to send now. If there are none, it sets when the stage is looked at next. */
export function lettersFor(sql: Sql, stage: StageName, now: number): string[] {
  const [row] = sql
    .exec<{ works_from: number | null; wait: number }>(
      "SELECT works_from, wait FROM recovery WHERE stage = ?",
      stage,
    )
    .toArray();
  if (row === undefined) throw new Error(`${stage} has no row in the table of recoveries`);
  if (row.works_from !== null) {
    const rest = exhausted(sql, stage, row.works_from, RELEASED_AT_ONCE);
    if (rest.length > 0) return rest;
    const isAnyOpen = exhausted(sql, stage, Number.MAX_SAFE_INTEGER, 1).length > 0;
    sql.exec(
      "UPDATE recovery SET works_from = NULL, due = ? WHERE stage = ?",
      isAnyOpen ? now + row.wait : null,
      stage,
    );
    return [];
  }
  const probe = exhausted(sql, stage, Number.MAX_SAFE_INTEGER, 1);
  // Keep `wait`: letters that were already sent may still fail.
  if (probe.length === 0) sql.exec("UPDATE recovery SET due = NULL WHERE stage = ?", stage);
  return probe;
}

/**
 * Lists letters that used up their retries. The letter that was sent longest ago comes first, so a letter that always fails does
 * not hold up the others.
 */
function exhausted(sql: Sql, stage: StageName, sentBefore: number, most: number): string[] {
  return sql
    .exec<{ id: string }>(
      `SELECT id FROM entry INDEXED BY entry_exhausted
       WHERE stage = ? AND state = 'open' AND reason = 'retries_exhausted' AND needs_operator = 0
         AND coalesce(replayed_at, 0) < ?
       ORDER BY coalesce(replayed_at, 0) LIMIT ?`,
      stage,
      sentBefore,
      most,
    )
    .toArray()
    .map(({ id }) => id);
}

/** Sets when the stage is due next, because a replay of its letters begins. While it is probed, its wait doubles. */
export function noteReplayed(sql: Sql, stage: StageName, now: number): void {
  sql.exec(
    `UPDATE recovery SET due = CASE WHEN works_from IS NULL THEN ? + wait ELSE ? END,
       wait = CASE WHEN works_from IS NULL THEN min(2 * wait, ?) ELSE wait END WHERE stage = ?`,
    now,
    now,
    LONGEST_WAIT_MS,
    stage,
  );
}

/** Holds the letters of an automatic replay's stage for the longest wait; then the stage is probed. */
export function holdStageOf(sql: Sql, replayId: string, now: number): void {
  sql.exec(
    `UPDATE recovery SET works_from = NULL, held_until = ? WHERE stage =
       (SELECT entry.stage FROM replay JOIN replay_item AS item ON item.replay_id = replay.id
        JOIN entry ON entry.id = item.entry_id WHERE replay.id = ? AND replay.automatic = 1 AND item.position = 0)`,
    now + LONGEST_WAIT_MS,
    replayId,
  );
}
