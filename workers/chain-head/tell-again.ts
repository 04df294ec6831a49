import { forgetFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/** Makes the hot keys due to be written, whatever was written last: for when KV has lost them. */
export function publishAgain(sql: Sql): void {
  forgetFact(sql, "publishedLatest");
  forgetFact(sql, "publishedPending");
}

/**
 * Has what was set aside parked again: for when the queue that was to bring it there is known to be empty. What the
 * dead-letter store has already is not changed by it; what was erased, and what a user was refused, is not for it.
 */
export function parkAgain(sql: Sql): void {
  sql.exec("UPDATE tx SET parked = 0 WHERE state = 'set_aside' AND forget_at IS NULL AND reason <> 'erased'");
}

/** Makes every unfinished block due for its stage at once: for when the queues are known to be empty, or an outage is over. */
export function tellAgain(sql: Sql): void {
  sql.exec("UPDATE block SET nudged_at = 0, nudges = 0 WHERE state <> 'complete'");
  writeFact(sql, "mineNudgeAt", 0);
}
