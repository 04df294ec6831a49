import { advance, type BlockState } from "../../../shared/chain/states.ts";
import { findBlock, latestThatIsPersisted, type BlockRow } from "../reads/blocks.ts";
import { addToCount, getValue, setValue } from "../storage/key-values.ts";
import { noteBlockMilestone } from "../reads/latency.ts";
import { lifeOf } from "./life.ts";
import type { Sql } from "../storage/schema.ts";

/** A stage's report that it is done with a block. `life`: the life of the chain head that handed the block to the stage. */
export interface StageReport {
  readonly life: string;
  readonly blockNumber: number;
}

export interface PersistedReport extends StageReport {
  readonly hash: string;
  /**
   * SHA-256 of the bytes that every tier holds. The block's hash would not tell two attempts apart: it does not cover the
   * signature.
   */
  readonly sha256: string;
  readonly ipfsHash: string;
}

/** `stale`: the report is about a block of an earlier life and changes nothing; the stage reads the block again. */
export type MoveResult = "moved" | "already" | "stale";

/**
 * Takes the report that a block is in every tier. The block moves one state on; a repeat changes nothing.
 * @throws Error when the report skips a state, is about other bytes than those sealed, or names another CID
 */
export function persisted(sql: Sql, report: PersistedReport, now: number): MoveResult {
  if (report.life !== lifeOf(sql)) return "stale";
  const block = sealedBlock(sql, report.blockNumber);
  if (block.hash !== report.hash || block.sha256 !== report.sha256)
    throw new Error(
      `block ${report.blockNumber} is ${block.hash} (SHA-256 ${block.sha256}), ` +
        `the report is about ${report.hash} (SHA-256 ${report.sha256})`,
    );
  if (block.cid !== report.ipfsHash)
    throw new Error(
      `block ${report.blockNumber} is ${block.cid} on IPFS, the report says ${report.ipfsHash}`,
    );
  if (!moveTo(sql, block, "persisted", now)) return "already";
  sql.exec("UPDATE block SET ipfs_hash = ? WHERE number = ?", report.ipfsHash, report.blockNumber);
  moveLatest(sql);
  return "moved";
}

export function indexed(sql: Sql, { life, blockNumber }: StageReport, now: number): MoveResult {
  if (life !== lifeOf(sql)) return "stale";
  return moveTo(sql, sealedBlock(sql, blockNumber), "indexed", now) ? "moved" : "already";
}

export function cleaned(sql: Sql, { life, blockNumber }: StageReport, now: number): MoveResult {
  if (life !== lifeOf(sql)) return "stale";
  const block = sealedBlock(sql, blockNumber);
  if (!moveTo(sql, block, "complete", now)) return "already";
  addToCount(sql, "pending", -block.transactions);
  setValue(sql, "mineNudgeAt", now); // there is room for another block in flight
  return "moved";
}

function sealedBlock(sql: Sql, blockNumber: number): BlockRow {
  const block = findBlock(sql, blockNumber);
  if (block === undefined || block.hash === null) throw new Error(`block ${blockNumber} is not sealed`);
  return block;
}

const REACHED_AT = { persisted: "persisted_at", indexed: "indexed_at", complete: "complete_at" } as const;

function moveTo(sql: Sql, block: BlockRow, state: keyof typeof REACHED_AT, now: number): boolean {
  const step = advance(block.state, state satisfies BlockState);
  if (step === "too_early")
    throw new Error(`block ${block.number} is ${block.state}, it can't become ${state} yet`);
  if (step === "already") return false;
  sql.exec(
    `UPDATE block SET state = ?, ${REACHED_AT[state]} = ?, nudged_at = ?, nudges = 0 WHERE number = ?`,
    state,
    now,
    now,
    block.number,
  );
  noteBlockMilestone(sql, state, block.number, now);
  return true;
}

// Blocks may be persisted out of order. `vdc:latest` moves in order, over blocks that are in all tiers.
function moveLatest(sql: Sql): void {
  const latest = latestThatIsPersisted(sql);
  if (latest >= Math.max(0, getValue(sql, "latestHeldUntil") ?? 0)) setValue(sql, "latest", latest);
}
