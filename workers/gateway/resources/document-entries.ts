import * as v from "valibot";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { DocumentEntry } from "../../../shared/storage/document-entry.ts";
import { readClaim } from "../../../shared/api/indexed-through.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { documentEntryOfKey, kvKeys } from "../../../shared/storage/layout.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/document-entries.ts";

const BRIEFLY = "public, max-age=10";

export const documentsByHash = operation(api.documentsByHash, (call) =>
  found(call, call.params.sha256, call.query),
);

export const documentsByPrefix = operation(api.documentsByPrefix, (call) =>
  found(call, call.query.prefix, call.query),
);

interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

/**
 * Answers with one list call of KV, however many transactions commit to a document. The call counts against the caller, because
 * a list call costs ten reads.
 */
async function found(call: Call, digits: string, page: Page): Promise<Response> {
  await countReadBeyondKv(call);
  // The claim is read first: an entry that it covers was visible then, and so it is in the list.
  const indexedThrough = readClaim(await call.env.KV.get(kvKeys.indexed, "json"));
  const listed = await list(call, kvKeys.documentEntryPrefix(digits), page);
  const documents = listed.keys.flatMap(({ name, metadata }) => foundDocument(call, digits, name, metadata));
  return json(
    {
      documents,
      indexedThrough,
      next: listed.list_complete ? null : listed.cursor,
    } satisfies api.FoundDocuments,
    {
      headers: { "cache-control": BRIEFLY },
    },
  );
}

/** @throws Problem "invalid-parameter" for an `after` that KV did not make */
async function list(
  { env, log }: Call,
  prefix: string,
  { after, limit }: Page,
): Promise<KVNamespaceListResult<unknown>> {
  try {
    return await env.KV.list({ prefix, limit, ...(after !== undefined && { cursor: after }) });
  } catch (error) {
    // KV answers 400 to a cursor that it can't read, and other statuses while it is down.
    if (after === undefined || !/\b400\b/.test(errorText(error))) throw error;
    log.info("documents.bad_cursor", { error: errorText(error) });
    throw new Problem("invalid-parameter", "after: take it from `next` of the page before, as it is.", {
      members: { parameter: "after" },
    });
  }
}

/**
 * Reads an entry from its key and metadata; a foreign key is no entry.
 * @throws Problem "unavailable" for damaged metadata, because an answer without the entry would say that there is none
 */
function foundDocument({ log }: Call, digits: string, key: string, metadata: unknown): api.FoundDocument[] {
  const place = documentEntryOfKey(key);
  if (place === undefined || !place.sha256.startsWith(digits)) return [];
  const parsed = v.safeParse(DocumentEntry, metadata);
  if (parsed.success) return [{ ...place, ...parsed.output }];
  log.error("index.entry_unusable", { key });
  throw new Problem(
    "unavailable",
    `The index of documents is damaged at block ${place.blockNumber}. Try again later; its operator mends it with a verification of the storage.`,
  );
}
