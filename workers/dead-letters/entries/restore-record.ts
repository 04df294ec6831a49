import { r2Keys } from "../../../shared/storage/layout.ts";
import { createOnly } from "../../../shared/storage/r2-tier.ts";
import { note } from "./note.ts";
import { eraseRecord } from "./erase.ts";
import { factsOf, recordFrom, type ParkedMessage } from "./record.ts";
import type { Store } from "../store.ts";

export type RestoredRecord = "stored" | "kept" | "erased" | "invalid";

/**
 * Puts back a record that R2 lacks, then adds it to the index as a reindexed one. After a crash between the two, the same call
 * repairs the index. A record that R2 has stays. The envelope of an erased transaction is removed again.
 * @param given `id`: `{stage}/{id}`
 */
export async function restoreRecord(
  store: Store,
  { R2 }: { readonly R2: R2Bucket },
  { id, bytes }: { readonly id: string; readonly bytes: Uint8Array<ArrayBuffer> },
): Promise<RestoredRecord> {
  const record = recordIn(bytes);
  if (record === undefined || `${record.stage}/${record.id}` !== id) return "invalid";
  const key = r2Keys.deadLetter(record.stage, record.id);
  const isPut = await createOnly(R2, key, bytes);
  const erased = store.decide((now) => note(store.sql, factsOf(record), now, "reindexed"));
  if (erased === undefined) return isPut ? "stored" : "kept";
  await eraseRecord(R2, key, erased);
  return "erased";
}

function recordIn(bytes: Uint8Array): ParkedMessage | undefined {
  try {
    return recordFrom(bytes);
  } catch {
    return undefined; // the caller answers that these bytes are not a record
  }
}
