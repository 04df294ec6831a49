import { onSchedule } from "../../../shared/objects/audit-log.ts";
import type { AuditResult } from "../../../shared/api/audit-chain.ts";
import { REPLAY_RATE, type Replay, type StageRecovery } from "../../../shared/objects/dead-letters.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Env } from "../env.ts";
import { getValue } from "../key-values.ts";
import { abort, activeReplay, createReplay } from "./replays.ts";
import type { Store } from "../store.ts";

/**
 * Longest wait between two probes of a stage, in milliseconds. The wait begins at a minute and doubles while no letter succeeds.
 */
const LONGEST_WAIT_MS = 6 * 3_600_000;

/** Number of letters in one replay once the stage works. The next replay follows when this one has ended. */
const RELEASED_AT_ONCE = 500;

const REASON = "its retries were used up, and the stage may work again";

/**
 * Replays letters of a stage that works again: a circuit breaker for each stage. Letters that used up their retries wait while
 * their stage fails. One letter at a time probes the stage. When any letter of the stage succeeds, the other letters follow, each
 * once. A letter that fails again stops them, and the stage is probed again. Letters that failed for another reason, and letters
 * read from R2 after a loss of the index, wait for an operator.
 */
export async function recoverIfDue(store: Store, env: Env, now: number, log: Log): Promise<void> {
  const stage = dueStage(store.sql, now);
  if (stage === undefined) return;
  const letters = store.decide((later) => lettersFor(store.sql, stage, later));
  if (letters.length === 0) return;
  const deed = {
    action: "dead-letters.recover",
    target: `${stage}: ${letters.length} dead letter(s)`,
    requestId: crypto.randomUUID(),
  };
  await onSchedule({ env, log }, deed, async (): Promise<AuditResult> => {
    const replay = store.decide((later) => replayFor(store.sql, stage, later));
    if (replay === undefined) return { total: 0 };
    log.info("replay.created", { replayId: replay.id, stage, total: replay.total });
    return { id: replay.id, total: replay.total };
  });
}

/** Returns when the first stage must be probed or released, in milliseconds since the epoch; `undefined` while a replay runs. */
export function nextRecovery(sql: Sql): number | undefined {
  if (getValue(sql, "reindex") !== undefined || activeReplay(sql) !== undefined) return undefined;
  const first = firstDue(sql);
  // A replay that has just ended counts towards the rate limit.
  return first && Math.max(first.due, getValue(sql, "replayDue") ?? 0);
}

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

/**
 * Aborts a replay for an operator. After an automatic replay, its stage's letters are held for the longest wait, unless an
 * operator replays them; then the stage is probed.
 */
export function abortByOperator(sql: Sql, id: string, now: number): Replay | null {
  if (activeReplay(sql)?.id === id)
    sql.exec(
      `UPDATE recovery SET works_from = NULL, held_until = ? WHERE stage =
       (SELECT entry.stage FROM replay JOIN replay_item AS item ON item.replay_id = replay.id
        JOIN entry ON entry.id = item.entry_id WHERE replay.id = ? AND replay.automatic = 1 AND item.position = 0)`,
      now + LONGEST_WAIT_MS,
      id,
    );
  return abort(sql, id, now);
}

function dueStage(sql: Sql, now: number): StageName | undefined {
  const due = nextRecovery(sql);
  return due === undefined || due > now ? undefined : firstDue(sql)?.stage;
}

function firstDue(sql: Sql): { stage: StageName; due: number } | undefined {
  return sql
    .exec<{ stage: StageName; due: number }>(
      `SELECT stage, max(due, held_until) AS due FROM recovery WHERE due IS NOT NULL
       ORDER BY max(due, held_until), stage LIMIT 1`,
    )
    .toArray()[0];
}

/** Returns the ids of the letters to send now. If there are none, it sets when the stage is looked at next. */
function lettersFor(sql: Sql, stage: StageName, now: number): string[] {
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
  // The wait does not change: the letters that were sent may fail again.
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

/** Creates the replay. It selects the letters again, because an operator may have acted while the audit log was written. */
function replayFor(sql: Sql, stage: StageName, now: number): Replay | undefined {
  if (activeReplay(sql) !== undefined) return undefined;
  const ids = lettersFor(sql, stage, now);
  if (ids.length === 0) return undefined;
  sql.exec(
    `UPDATE recovery SET due = CASE WHEN works_from IS NULL THEN ? + wait ELSE ? END,
       wait = CASE WHEN works_from IS NULL THEN min(2 * wait, ?) ELSE wait END WHERE stage = ?`,
    now,
    now,
    LONGEST_WAIT_MS,
    stage,
  );
  const request = { select: { ids }, reason: REASON, ratePerSecond: REPLAY_RATE.otherwise };
  const made = { id: crypto.randomUUID(), by: "schedule", key: null, isAutomatic: true };
  const replay = createReplay(sql, request, made, now);
  if ("refused" in replay) throw new Error(`the replay of ${stage} was refused: ${replay.refused}`);
  return replay;
}
