import { RetryLater } from "../../../shared/runtime/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import {
  documentPins,
  indexedIn,
  indexedPin,
  type IndexedDocument,
} from "../../../shared/storage/documents.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Pinner } from "../../../shared/storage/pinner.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { moveReindex, noteStored, reindexing } from "./document-rows.ts";

export interface IndexStore {
  readonly sql: Sql;
  /** Runs the decision in one transaction. */
  readonly decide: <T>(decision: () => T) => T;
}

/** Lists from which a lost index is rebuilt. */
export interface DocumentLists {
  readonly bucket: R2Bucket;
  /** @throws Error that names the setting that is missing or wrong */
  readonly pinner: () => Pick<Pinner, "list">;
  readonly chainId: string;
}

interface Page {
  readonly documents: readonly IndexedDocument[];
  /** `undefined`: this is the last. */
  readonly after: string | undefined;
}

const OBJECTS_A_PAGE = 1_000;
const PAGE_WITHIN_SECONDS = 5;

/** The failure of work that needs the whole index: it's retried when another page has been read. */
export function indexIncomplete(): RetryLater {
  return new RetryLater(PAGE_WITHIN_SECONDS, "the index of documents is being made anew");
}

/**
 * Reads one page of R2's documents, and behind the last of them one page of the pinned documents, into an index that is new
 * or was lost. R2 comes first, because it holds the one record of a document that was stored. Each document is verified
 * before all others then, so nothing that a list says is taken on trust.
 */
export async function reindexPage(store: IndexStore, lists: DocumentLists, log: Log): Promise<void> {
  const state = reindexing(store.sql);
  if (state === undefined) return;
  const read = state.list === "r2" ? storedPage : pinnedPage;
  const { documents, after } = await read(state.after, lists, log);
  store.decide(() => {
    noteStored(store.sql, documents, { status: "unverified", at: 0 });
    moveReindex(store.sql, state.list, after);
  });
}

async function storedPage(after: string, { bucket }: DocumentLists, log: Log): Promise<Page> {
  const { objects, truncated } = await bucket.list({
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
  return { documents, after: truncated ? objects.at(-1)?.key : undefined };
}

async function pinnedPage(token: string, { pinner, chainId }: DocumentLists, log: Log): Promise<Page> {
  const { pins, next } = await pinner().list(documentPins(chainId), token === "" ? undefined : token);
  const documents = pins.flatMap((pin) => {
    const indexed = indexedPin(pin);
    if (indexed === undefined) log.error("document.foreign_pin", { cid: pin.cid });
    return indexed ?? [];
  });
  return { documents, after: next };
}
