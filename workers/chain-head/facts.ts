import type { PermanentReason } from "../../shared/errors.ts";
import { factsOf } from "../../shared/facts.ts";
import type { LatestWrite } from "./latest-write.ts";
import type { Sql } from "./schema.ts";
import type { StalledStage } from "./stalls.ts";

export interface MinerKeys {
  /** Ids of the encryption keys. */
  readonly keyIds: readonly string[];
  /** Id of the active signing key. */
  readonly signingKeyId: string;
  /** When it said so. */
  readonly at: number;
}

/** Single values of the chain head, each with its type. */
export interface Facts {
  /** Id of the present life of the chain head: made with its storage, and lost with it. */
  life: string;
  /** Counts up with each admitted transaction. */
  sequence: number;
  /** Counts up with each reservation made or revised, so that a dissolved one is never taken for the next of its number. */
  revision: number;
  /** Mining was asked for all that had been admitted up to this sequence. What came later waits for the next request. */
  approvedThrough: number;
  /** When the miner is to be told (again) that approved work waits. */
  mineNudgeAt: number;
  /** When mining was last asked for with something to mine. */
  approvedAt: number;
  /** Transactions in no block yet. */
  waiting: number;
  /** Transactions in no block yet for which mining was not asked: their sequence is above `approvedThrough`. */
  unapproved: number;
  /** Transactions whose block is not finished, and those in no block yet. */
  pending: number;
  /** Transactions that could not be mined, refused submissions of users not included. */
  setAside: number;
  /** How many submissions of users were ever refused, by reason. */
  refused: Partial<Record<PermanentReason, number>>;
  mined: number;
  /** The last keys of R2 that the miner's sweep has looked at in these folders. Gone when it begins anew. */
  sweptPending: string;
  sweptSetAside: string;
  sweptIntents: string;
  /** Set-aside transactions up to this one are parked again already; the alarm goes on behind it. Gone when all are. */
  parkAgainAfter: { readonly at: number; readonly txId: string };
  /** Highest block with all before it persisted: what `vdc:latest` is to name. */
  latest: number;
  publishedLatest: number;
  publishedLatestAt: number;
  /** The write of `vdc:latest` that was begun last, until it has answered. */
  latestWrite: LatestWrite;
  /** The Worker that may write records of assets, and when the last of its writes has landed. */
  assetWrites: { writer: string; landBefore: number };
  publishedPending: number;
  publishedPendingAt: number;
  /** When the last write of `vdc:pending:count` that was not answered has landed, or never will. */
  countInDoubtUntil: number;
  /** After a failure outside, nothing is tried again before this. */
  dutiesPausedUntil: number;
  /** The keys that the miner last said it holds. */
  minerKeys: MinerKeys;
  /** `endsWithRestore`: the chain head lost its storage; the end of a restore ends this halt, and no other. */
  halted: { reason: string; at: number; endsWithRestore?: true };
  /** How often the watchdog told each stage again of a block that had not moved. */
  stalls: Partial<Record<StalledStage, number>>;
  /** When it was decided that a chain may begin here, or had been restored. */
  founded: number;
  /** How far a restore has read the records of erasures: the last key, and whether it was the last of all. */
  erasuresRead: { through: string | null; all: boolean };
  /** Since when the chain head is being rebuilt from stored blocks. */
  restoring: number;
  /** `vdc:latest` is not moved before this block is in every tier: it named it before a restore. */
  latestHeldUntil: number;
}

export const { readFact, readFacts, writeFact, forgetFact } = factsOf<Facts>();

type CounterName = "sequence" | "revision" | "waiting" | "unapproved" | "pending" | "setAside" | "mined";

export function count(sql: Sql, name: CounterName): number {
  return readFact(sql, name) ?? 0;
}

/** Counts up and answers the new value. */
export function nextOf(sql: Sql, name: CounterName): number {
  addTo(sql, name, 1);
  return count(sql, name);
}

export function addTo(sql: Sql, name: CounterName, difference: number): void {
  if (difference !== 0) writeFact(sql, name, count(sql, name) + difference);
}
