import { onSchedule } from "../../../shared/objects/audit-log.ts";
import type { AuditResult } from "../../../shared/chain/audit-chain.ts";
import { REPLAY_RATE, type Replay } from "../../../shared/api/dead-letters.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { Env } from "../env.ts";
import { getValue } from "../key-values.ts";
import { createReplay } from "./create.ts";
import { replayById } from "./list.ts";
import { firstDue, holdStageOf, lettersFor, noteReplayed } from "./recovery-store.ts";
import { abort, activeReplay } from "./store.ts";
import type { Store } from "../store.ts";

const REASON = "its retries were used up, and the stage may work again";

/**
 * Replays letters of a stage that works again: a circuit breaker for each stage. Letters that used up their retries wait while
 * their stage fails. One letter at a time probes the stage. When any letter of the stage succeeds, the other letters follow, each
 * once. A letter that fails again stops them, and the stage is probed again. Letters that failed for another reason, and letters
 * read from R2 after a loss of the index, wait for an operator. The triggers in `schema.ts` note when a letter of a stage fails or
 * succeeds, and so when the stage is due (`due`, `wait`, `works_from`).
 */
export async function recoverIfDue(store: Store, env: Env, now: number, log: Log): Promise<void> {
  const stage = dueStage(store.sql, now);
  if (stage === undefined) return;
  const letters = store.decide((later) => lettersFor(store.sql, stage, later));
  if (letters.length === 0) return;
  const action = {
    action: "dead-letters.recover",
    target: `${stage}: ${letters.length} dead letter(s)`,
    requestId: crypto.randomUUID(),
  };
  await onSchedule({ env, log }, action, async (): Promise<AuditResult> => {
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

function dueStage(sql: Sql, now: number): StageName | undefined {
  const due = nextRecovery(sql);
  return due === undefined || due > now ? undefined : firstDue(sql)?.stage;
}

/** Creates the replay. It selects the letters again, because an operator may have acted while the audit log was written. */
function replayFor(sql: Sql, stage: StageName, now: number): Replay | undefined {
  if (activeReplay(sql) !== undefined) return undefined;
  const ids = lettersFor(sql, stage, now);
  if (ids.length === 0) return undefined;
  noteReplayed(sql, stage, now);
  const request = { select: { ids }, reason: REASON, ratePerSecond: REPLAY_RATE.otherwise };
  const made = { id: crypto.randomUUID(), by: "schedule", key: null, isAutomatic: true };
  const replay = createReplay(sql, request, made, now);
  if ("refused" in replay) throw new Error(`the replay of ${stage} was refused: ${replay.refused}`);
  return replay;
}

/**
 * Aborts a replay for an operator. After an automatic replay, its stage's letters are held for the longest wait, unless an
 * operator replays them; then the stage is probed. Returns null for an unknown id.
 */
export function abortByOperator(sql: Sql, id: string, now: number): Replay | null {
  if (activeReplay(sql)?.id === id) holdStageOf(sql, id, now);
  abort(sql, id, now);
  return replayById(sql, id);
}
