import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import { note } from "./note.ts";
import type { Env } from "../env.ts";
import { deleteValue, getValue, setValue } from "../key-values.ts";
import { factsOf, recordFrom, type ParkedMessage } from "./record.ts";
import type { Store } from "../store.ts";

const RECORDS_A_PAGE = 40;

/**
 * Reads one page of R2's records into a storage that is new or was lost. R2 holds the messages and their failures. Only the index
 * knows that an operator dismissed an entry, so after a loss such an entry is open again and waits for an operator.
 */
export async function reindexPage(store: Store, { R2 }: Pick<Env, "R2">, log: Log): Promise<void> {
  const state = getValue(store.sql, "reindex");
  if (state === undefined) return;
  const page = await R2.list({
    prefix: r2Keys.deadLetterPrefix,
    limit: RECORDS_A_PAGE,
    ...(state.cursor !== null && { cursor: state.cursor }),
  });
  const records = await mapConnections(page.objects, async ({ key }) => {
    const bytes = await readObject(R2, key);
    return bytes && readable(key, bytes, log);
  });
  store.decide((now) => {
    for (const record of records)
      if (record !== undefined) note(store.sql, factsOf(record), now, "reindexed");
    if (page.truncated) setValue(store.sql, "reindex", { cursor: page.cursor });
    else deleteValue(store.sql, "reindex");
  });
}

/** Reads a record. A damaged or foreign one is logged and skipped: it must not keep the others out of the index. */
function readable(key: string, bytes: Uint8Array, log: Log): ParkedMessage | undefined {
  try {
    return recordFrom(bytes);
  } catch (error) {
    log.error("dead_letter.unreadable", { key, error: errorText(error) });
    return undefined;
  }
}
