import * as v from "valibot";
import { canonicalText } from "../../../shared/crypto/canonical.ts";
import { json } from "../../../shared/http/answer.ts";
import { readBytes } from "../../../shared/http/body.ts";
import { done } from "../../../shared/http/rpc-result.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { faultText } from "../../../shared/schema/issue-text.ts";
import type { BroughtRecord, RecordPage } from "../../../shared/api/records.ts";
import {
  bytesOfRecord,
  jsonIn,
  MAX_RECORD_JSON_BYTES,
  recordPlace,
  type RecordKind,
  recordIdOf,
  recordKey,
  storedRecord,
  StoredRecord,
} from "../../../shared/storage/records.ts";
import { UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import type { Env } from "../env.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/records.ts";

export const storedRecords = operation(
  api.storedRecords,
  async ({ env, query: { kind, cursor, limit }, log }) => {
    const { keys, next } = await listed(kind, { limit, ...(cursor !== undefined && { cursor }) }, env);
    const records = keys.flatMap(({ key, version }) => {
      const id = recordIdOf(kind, key);
      if (id === undefined) log.warn("records.foreign_object", { key });
      return id === undefined ? [] : [{ id, version }];
    });
    return json({ records, next } satisfies RecordPage);
  },
);

interface ListedKeys {
  readonly keys: readonly { readonly key: string; readonly version: string | null }[];
  readonly next: string | null;
}

async function listed(
  kind: RecordKind,
  how: { readonly limit: number; readonly cursor?: string },
  { R2, KV }: Env,
): Promise<ListedKeys> {
  const { tier, prefix } = recordPlace(kind);
  if (tier === "kv") {
    const page = await KV.list({ prefix, ...how });
    const keys = page.keys.map(({ name }) => ({ key: name, version: null }));
    return { keys, next: page.list_complete ? null : page.cursor };
  }
  const page = await R2.list({ prefix, ...how });
  const keys = page.objects.map(({ key, etag }) => ({ key, version: etag }));
  return { keys, next: page.truncated ? page.cursor : null };
}

export const exportRecord = operation(api.exportRecord, async ({ env, params: { kind, recordId } }) => {
  const key = recordKey(kind, recordId);
  const record = key && (await readRecord(kind, recordId, key, env));
  if (!record)
    throw new Problem("not-found", `There is no ${kind} ${recordId}.`, { members: { kind, recordId } });
  return json(record satisfies StoredRecord);
});

async function readRecord(
  kind: RecordKind,
  id: string,
  key: string,
  { R2, KV }: Env,
): Promise<StoredRecord | undefined> {
  if (recordPlace(kind).tier === "kv") {
    const value = await KV.get(key, "arrayBuffer");
    return value === null ? undefined : storedRecord(kind, id, new Uint8Array(value));
  }
  const object = await R2.get(key);
  if (object === null) return undefined;
  return storedRecord(kind, id, new Uint8Array(await object.arrayBuffer()), object.customMetadata);
}

export const bringRecord = operation(
  api.bringRecord,
  async ({ env, request, params: { kind, recordId }, requestId }) => {
    const record = readBroughtRecord(await readBytes(request, MAX_RECORD_JSON_BYTES), kind, recordId);
    if (kind === "user_metadata") return json(await bringMetadata(record, env, requestId));
    const answer = await env.STORAGE_VERIFIER.acceptRecord(record, requestId);
    if (answer === "closed") throw closed();
    if ("invalid" in answer) throw invalid(kind, recordId, answer.invalid);
    if ("early" in answer) throw new Problem("not-ready", `${answer.early}.`);
    return json({ kind, recordId, ...answer } satisfies BroughtRecord);
  },
);

/** @throws Problem "invalid-body" */
function readBroughtRecord(bytes: Uint8Array, kind: RecordKind, id: string): StoredRecord {
  const parsed = v.safeParse(StoredRecord, jsonIn(bytes));
  if (!parsed.success) throw invalid(kind, id, faultText(parsed.issues[0]));
  if (parsed.output.kind !== kind || parsed.output.id !== id)
    throw invalid(kind, id, `it is ${parsed.output.kind} ${parsed.output.id.slice(0, 100)}`);
  return parsed.output;
}

/** Sends a user's metadata to `accounts` as if the user had sent it: the record carries the user's signature. */
async function bringMetadata(record: StoredRecord, env: Env, requestId: string): Promise<BroughtRecord> {
  const { kind, id } = record;
  const bytes = await bytesOfRecord(record);
  if (typeof bytes === "string") throw invalid(kind, id, bytes);
  const parsed = v.safeParse(UserMetadataRecord, jsonIn(bytes));
  if (!parsed.success) throw invalid(kind, id, faultText(parsed.issues[0]));
  const metadata = parsed.output;
  if (metadata.userId !== id) throw invalid(kind, id, `it is of user ${metadata.userId}`);
  const present = await env.KV.get(recordKey(kind, id) ?? "");
  if (present === canonicalText(metadata))
    return { kind, recordId: id, stored: false, detail: "KV has this version" };
  try {
    done(await env.ACCOUNTS.replaceMetadata(metadata, requestId));
    return { kind, recordId: id, stored: true, detail: `version ${metadata.version} was put` };
  } catch (error) {
    if (!(error instanceof Problem) || error.slug !== "stale-version") throw error;
    return { kind, recordId: id, stored: false, detail: "a newer version is known" };
  }
}

function closed(): Problem {
  return new Problem(
    "not-configured",
    "This deployment takes no records now, because a record does not prove who made it. " +
      "Deploy storage-verifier with ACCEPT_RECORDS_UNTIL set to a time in the near future, then bring the records.",
  );
}

function invalid(kind: RecordKind, id: string, why: string): Problem {
  return new Problem("invalid-body", `Not ${kind} ${id}: ${why}.`, { members: { member: null } });
}
