import { withDeadline } from "../../shared/deadline.ts";
import { RetryLater } from "../../shared/errors.ts";
import type { Sql } from "../../shared/sqlite.ts";

/** Milliseconds for one write. */
const DEADLINE = 10_000;

interface Timing {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds after its beginning at which a write of KV has landed, or never will. */
  readonly landsWithin: number;
}

/** Milliseconds since the epoch. */
type Begun = { version: number; lands_before: number };

/**
 * Writes a version to KV, which has no compare-and-swap: a write that was begun and is not known to be done may still land,
 * over a newer one. So it is noted before it begins, and while it may land no other version is written.
 * @throws RetryLater while a write of another version may still land; what `write` throws; an Error when `write` does not answer within 10 s
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
  // This one is over. An earlier one of the same version may not be.
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
