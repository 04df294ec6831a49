import { r2Keys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { note } from "./entries.ts";
import type { Env } from "./env.ts";
import { forgetFact, readFact, writeFact } from "./facts.ts";
import { factsOf, readRecord } from "./record.ts";
import type { Store } from "./store.ts";

const RECORDS_A_PAGE = 40;

/**
 * Reads one page of R2's records into a storage that is new, or was lost. R2 has what was parked and how it failed; that
 * an operator dismissed it is known here only, so after a loss such an entry is open again.
 */
export async function reindexPage(store: Store, { R2 }: Pick<Env, "R2">): Promise<void> {
  const state = readFact(store.sql, "reindex");
  if (state === undefined) return;
  const page = await R2.list({
    prefix: r2Keys.deadLetterPrefix,
    limit: RECORDS_A_PAGE,
    ...(state.cursor !== null && { cursor: state.cursor }),
  });
  const records = await mapConnections(page.objects, ({ key }) => readRecord(R2, key));
  store.decide((now) => {
    for (const record of records) if (record !== undefined) note(store.sql, factsOf(record), now);
    if (page.truncated) writeFact(store.sql, "reindex", { cursor: page.cursor });
    else forgetFact(store.sql, "reindex");
  });
}
