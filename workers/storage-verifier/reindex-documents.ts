import type { Log } from "../../shared/log.ts";
import { indexedIn } from "../../shared/storage/documents.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { Sql } from "../../shared/sqlite.ts";
import { moveReindex, noteStored, reindexedThrough } from "./document-rows.ts";

export interface IndexStore {
  readonly sql: Sql;
  /** Runs the decision in one transaction. */
  readonly decide: <T>(decision: () => T) => T;
}

const OBJECTS_A_PAGE = 1_000;

/** Reads one page of R2's documents into an index that is new or was lost. These documents are then the first to be verified. */
export async function reindexPage(
  store: IndexStore,
  { R2 }: { readonly R2: R2Bucket },
  log: Log,
): Promise<void> {
  const after = reindexedThrough(store.sql);
  if (after === undefined) return;
  const { objects, truncated } = await R2.list({
    prefix: r2Keys.documentPrefix,
    limit: OBJECTS_A_PAGE,
    include: ["customMetadata"],
    ...(after !== "" && { startAfter: after }),
  });
  const documents = objects.flatMap((object) => {
    const indexed = indexedIn(object);
    if (indexed === undefined) log.error("document.foreign_object", { key: object.key });
    return indexed ?? [];
  });
  store.decide(() => {
    noteStored(store.sql, documents, { status: "unverified", at: 0 });
    moveReindex(store.sql, truncated ? objects.at(-1)?.key : undefined);
  });
}
