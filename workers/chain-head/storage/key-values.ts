import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import { keyValuesOf } from "../../../shared/durable-object/key-values.ts";
import type { LatestWrite } from "../outbox/latest-write.ts";
import type { Sql } from "./schema.ts";
import type { StalledStage } from "../outbox/stalls.ts";

export interface MinerKeys {
  /** Ids of the encryption keys. */
  readonly keyIds: readonly string[];
  /** Id of the active signing key. */
  readonly signingKeyId: string;
  /** When the miner reported the keys, in milliseconds since the epoch. */
  readonly at: number;
}

/** Key values of the chain head, each with its type. Times are milliseconds since the epoch. */
export interface KeyValues {
  /** Id of the present life of the chain head: made with its storage and lost with it. */
  life: string;
  /** Grows by one with each admitted transaction. */
  sequence: number;
  /**
   * Grows by one with each reservation that is made or revised, so a dissolved reservation is never taken for the next one of its
   * number.
   */
  revision: number;
  /** Mining was requested for every transaction up to this sequence. Later ones wait for the next request. */
  approvedThrough: number;
  /** When the miner is next due for a message that approved work waits. */
  mineNudgeAt: number;
  /** When mining was last requested while there was something to mine. */
  approvedAt: number;
  /** Number of transactions in no block. */
  waiting: number;
  /** Number of transactions in no block whose sequence is above `approvedThrough`: no mining request covers them. */
  unapproved: number;
  /** Number of transactions in no block or in an unfinished one. */
  pending: number;
  /** Number of set-aside transactions, without refused submissions of users. */
  setAside: number;
  /** Number of submissions of users that were ever refused, by reason. */
  refused: Partial<Record<PermanentReason, number>>;
  mined: number;
  /** The last R2 key that a sweep has looked at in each of these folders. Absent when the sweep begins anew. */
  sweptPending: string;
  sweptSetAside: string;
  sweptIntents: string;
  /** Every set-aside transaction up to this one is parked again; the alarm continues behind it. Absent when all are. */
  parkAgainAfter: { readonly at: number; readonly txId: string };
  /** The highest block that is persisted together with all before it: the block that `vdc:latest` must name. */
  latest: number;
  publishedLatest: number;
  publishedLatestAt: number;
  /** Number of blocks that the logs' published checkpoint covers, as the checkpointer reported. */
  checkpointed: number;
  /** When the checkpointer is next due for a message that published blocks wait for a checkpoint. */
  checkpointDueAt: number;
  /** How many messages the checkpointer got since it last reported, or since a block was last published. */
  checkpointNudges: number;
  /** The write of `vdc:latest` that began last, until it is answered. */
  latestWrite: LatestWrite;
  /** The Worker that may write records of assets, and when the last of its writes has landed. */
  assetWrites: { writer: string; landBefore: number };
  /** The claim in KV of how far the index is complete. */
  indexedThrough: IndexedThrough;
  /** The claim that is published next, once every reader of KV sees the entries that were written before its time. */
  nextClaim: IndexedThrough;
  /** The last block of a restore: nothing is claimed of the index before a verification of every block up to it. */
  noClaimBefore: number;
  publishedPending: number;
  publishedPendingAt: number;
  /** When the last unanswered write of `vdc:pending:count` has landed or never will. */
  countInDoubtUntil: number;
  /** After a failure outside, no item of the outbox is tried before this time. */
  dutiesPausedUntil: number;
  /** The keys that the miner last reported. */
  minerKeys: MinerKeys;
  /** `endsWithRestore`: the chain head lost its storage; only the end of a restore ends this halt. */
  halted: { reason: string; at: number; endsWithRestore?: true };
  /** How often the watchdog enqueued each stage again for a block that had not moved. */
  stalls: Partial<Record<StalledStage, number>>;
  /** When the chain head decided that a chain may begin here, or when the chain was restored. */
  founded: number;
  /** How far a restore has read the records of erasures: the last key, and whether all are read. */
  erasuresRead: { through: string | null; all: boolean };
  /** Since when a restore rebuilds the chain head from stored blocks. */
  restoring: number;
  /** `vdc:latest` named this block before a restore. It is not moved before this block is in every tier. */
  latestHeldUntil: number;
}

export const { getValue, getValues, setValue, deleteValue } = keyValuesOf<KeyValues>();

type CounterName = "sequence" | "revision" | "waiting" | "unapproved" | "pending" | "setAside" | "mined";

export function getCount(sql: Sql, name: CounterName): number {
  return getValue(sql, name) ?? 0;
}

/** Adds 1 and returns the new value. */
export function nextCount(sql: Sql, name: CounterName): number {
  addToCount(sql, name, 1);
  return getCount(sql, name);
}

export function addToCount(sql: Sql, name: CounterName, difference: number): void {
  if (difference !== 0) setValue(sql, name, getCount(sql, name) + difference);
}

/** Counts a pending transaction out that leaves the pipeline, or that a restored block holds. */
export function stopWaiting(sql: Sql, sequence: number): void {
  addToCount(sql, "waiting", -1);
  if (sequence > (getValue(sql, "approvedThrough") ?? 0)) addToCount(sql, "unapproved", -1);
}
