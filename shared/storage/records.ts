import * as v from "valibot";
import { TxId } from "../chain/transaction.ts";
import { base64url, fromBase64url, fromUtf8 } from "../crypto/bytes.ts";
import { sha256HexOfFile } from "../crypto/hash.ts";
import { kvKeys, r2Keys } from "./layout.ts";

/**
 * Kinds of data without a second copy in a deployment: an export is the second copy. They are restored in this order, so
 * that erasures are known before any data that may hold an erased private part. An export reads them in this order too,
 * so that it does not miss a transaction that moves on meanwhile.
 */
export const RECORD_KINDS = [
  "erasure",
  "private_archive",
  "activation_token",
  "user_metadata",
  "signed_intent",
  "pending_transaction",
  "set_aside_transaction",
  "dead_letter",
] as const;
export const RecordKind = v.picklist(RECORD_KINDS);
export type RecordKind = (typeof RECORD_KINDS)[number];

/** The place of a kind: its keys are `{prefix}{id}{suffix}`. */
interface RecordPlace {
  readonly tier: "r2" | "kv";
  readonly prefix: string;
  readonly suffix: string;
  readonly id: RegExp;
}

const TX_ID = /^vdc_tx_[0-9a-f]{40}$/;
const HEX_64 = /^[0-9a-f]{64}$/;
const inR2 = (prefix: string, id: RegExp): RecordPlace => ({ tier: "r2", prefix, suffix: ".json", id });

const PLACES: Readonly<Record<RecordKind, RecordPlace>> = {
  erasure: inR2(r2Keys.erasedPrefix, TX_ID),
  private_archive: inR2(r2Keys.privatePrefix, /^(?:0|[1-9]\d{0,15})$/),
  activation_token: inR2(r2Keys.activationPrefix, HEX_64),
  user_metadata: { tier: "kv", prefix: kvKeys.userPrefix, suffix: "", id: HEX_64 },
  pending_transaction: inR2(r2Keys.pendingPrefix, TX_ID),
  set_aside_transaction: inR2(r2Keys.setAsidePrefix, TX_ID),
  signed_intent: inR2(r2Keys.intentPrefix, TX_ID),
  dead_letter: inR2(r2Keys.deadLetterPrefix, /^[a-z-]{1,30}\/[0-9a-f]{32}$/),
};

export function recordPlace(kind: RecordKind): RecordPlace {
  return PLACES[kind];
}

/** `undefined` for an id that no record of the kind can have. */
export function recordKey(kind: RecordKind, id: string): string | undefined {
  const { prefix, suffix, id: pattern } = PLACES[kind];
  return pattern.test(id) ? `${prefix}${id}${suffix}` : undefined;
}

/** `undefined` for an object that VDC did not write. */
export function recordIdOf(kind: RecordKind, key: string): string | undefined {
  const { prefix, suffix } = PLACES[kind];
  const id = key.slice(prefix.length, key.length - suffix.length);
  return recordKey(kind, id) === key ? id : undefined;
}

/** An exported record: the stored bytes, unchanged and still encrypted if they were encrypted. */
export const StoredRecord = v.strictObject({
  kind: RecordKind,
  id: v.string(),
  /** Public metadata beside the object: R2's custom metadata. */
  facts: v.record(v.string(), v.string()),
  /** SHA-256 of the bytes. */
  sha256: v.pipe(v.string(), v.regex(HEX_64)),
  bytes: v.pipe(v.string(), v.description("The stored bytes as base64url without padding")),
});
export type StoredRecord = v.InferOutput<typeof StoredRecord>;

/**
 * Most bytes of a record's JSON in an export or an upload. A block's private archive is the largest kind: the envelopes,
 * not the block.
 */
export const MAX_RECORD_JSON_BYTES = 32 * 1024 * 1024;

export async function storedRecord(
  kind: RecordKind,
  id: string,
  bytes: Uint8Array<ArrayBuffer>,
  facts: Readonly<Record<string, string>> = {},
): Promise<StoredRecord> {
  return { kind, id, facts, sha256: await sha256HexOfFile(bytes), bytes: base64url(bytes) };
}

/** Decodes the bytes of a record, or returns the fault. */
export async function bytesOfRecord(record: StoredRecord): Promise<Uint8Array<ArrayBuffer> | string> {
  if (recordKey(record.kind, record.id) === undefined) return `no ${record.kind} can have this id`;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = fromBase64url(record.bytes);
  } catch {
    return "its bytes are not base64url";
  }
  return (await sha256HexOfFile(bytes)) === record.sha256
    ? bytes
    : "its bytes are not those that were exported";
}

/** Parses a record's bytes; `undefined` when they are not JSON. */
export function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined;
  }
}

/** `erased/{txId}.json`: the transaction was erased before a block took it. */
export const ErasureRecord = v.strictObject({ txId: TxId, erasedAt: v.pipe(v.number(), v.safeInteger()) });
