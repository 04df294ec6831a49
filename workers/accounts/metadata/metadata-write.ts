import { withDeadline } from "../../../shared/runtime/deadline.ts";
import { RetryLater } from "../../../shared/runtime/errors.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";

/** Deadline of one write, in milliseconds. */
const DEADLINE = 10_000;

interface Timing {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds after which a write to KV that has begun has landed or never will. */
  readonly landsWithin: number;
}

/** Milliseconds since the epoch. */
type Begun = { version: number; lands_before: number };

/**
 * Writes a version to KV, which has no compare-and-swap: an unanswered write may still land over a newer one. The write is noted
 * before it begins, and while it may land no other version is written.
 * @throws RetryLater while a write of another version may still land; the error of `write`; an Error when `write` does not answer
 * within 10 s
 */
export async function writeVersion(
  version: number,
  sql: Sql,
  { now, landsWithin }: Timing,
  write: () => Promise<void>,
): Promise<void> {
  const before = inDoubt(sql, now());
  if (before !== undefined && before.version !== version)
    throw new RetryLater(
      Math.ceil((before.lands_before - now()) / 1_000),
      `version ${before.version} may still be on its way into KV`,
    );
  note(sql, { version, lands_before: now() + landsWithin });
  await withDeadline(DEADLINE, "KV", write);
  // This write is done. An earlier write of the same version may still land.
  if (before === undefined) sql.exec("DELETE FROM writing");
  else note(sql, before);
}

function inDoubt(sql: Sql, now: number): Begun | undefined {
  const [begun] = sql.exec<Begun>("SELECT version, lands_before FROM writing").toArray();
  return begun !== undefined && begun.lands_before > now ? begun : undefined;
}

function note(sql: Sql, { version, lands_before }: Begun): void {
  sql.exec(
    "INSERT OR REPLACE INTO writing (only, version, lands_before) VALUES (1, ?, ?)",
    version,
    lands_before,
  );
}
