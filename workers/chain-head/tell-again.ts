import { forgetFact, writeFact } from "./facts.ts";
import type { Sql } from "./schema.ts";

/** Makes the hot keys due to be written, whatever was written last: for when KV has lost them. */
export function publishAgain(sql: Sql): void {
  forgetFact(sql, "publishedLatest");
  forgetFact(sql, "publishedPending");
}

/** Makes every unfinished block due for its stage at once: for when the queues are known to be empty, or an outage is over. */
export function tellAgain(sql: Sql): void {
  sql.exec("UPDATE block SET nudged_at = 0, nudges = 0 WHERE state <> 'complete'");
  writeFact(sql, "mineNudgeAt", 0);
}
