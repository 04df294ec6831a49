/** What the operator fixed about the chain; read once by the chain head. Times in seconds, sizes in bytes. */
export interface ChainRules {
  readonly miningMode: "auto" | "approval";
  readonly mineAtCount: number;
  readonly mineAfterSeconds: number;
  readonly blockMaxTransactions: number;
  readonly blockMaxBytes: number;
  readonly maxBlocksInFlight: number;
  readonly stallAfterSeconds: number;
  /** A write to KV that was not answered has landed after this time, or never will. */
  readonly writeLandsWithinSeconds: number;
  /** How long a submission that has to be paid waits for its payment. */
  readonly intentTtlSeconds: number;
}

/** Header, hash, signature and punctuation of a block without transactions; measured, with room to spare. */
export const BLOCK_OVERHEAD_BYTES = 8_192;

/**
 * Bytes of a block's archive of private parts. The cleaner, and whoever shows or erases one, holds it in memory several
 * times, and a Worker has 128 MB.
 */
export const PRIVATE_ARCHIVE_BYTES = 32_000_000;

/** What a transaction takes of its block's limits, in bytes. */
export interface Measured {
  /** Of the public transaction. */
  readonly size: number;
  /** Of the envelope, which its block's archive holds. */
  readonly envelopeSize: number;
}

/**
 * How many of the waiting transactions (oldest first) go into the next block. At least one: a transaction larger
 * than the limit would otherwise stop the chain.
 */
export function countThatFits(
  waiting: readonly Measured[],
  rules: Pick<ChainRules, "blockMaxTransactions" | "blockMaxBytes">,
): number {
  let room = rules.blockMaxBytes - BLOCK_OVERHEAD_BYTES;
  let archiveRoom = PRIVATE_ARCHIVE_BYTES;
  let count = 0;
  for (const { size, envelopeSize } of waiting) {
    if (count === rules.blockMaxTransactions) break;
    room -= size + 1; // the comma
    archiveRoom -= envelopeSize;
    if ((room < 0 || archiveRoom < 0) && count > 0) break;
    count++;
  }
  return count;
}

export type MiningCause = "operator" | "threshold" | "schedule" | "waiting";

/** With `approval`, only the operator's request mines. */
export function mayRequestMining(cause: MiningCause, mode: ChainRules["miningMode"]): boolean {
  return cause === "operator" || mode === "auto";
}

/** Whether enough waits, or has waited long enough, for mining without an operator. Times in milliseconds. */
export function miningIsDue(
  waiting: { count: number; oldestAdmittedAt: number | undefined },
  rules: ChainRules,
  now: number,
): boolean {
  if (rules.miningMode !== "auto" || waiting.count === 0) return false;
  if (waiting.count >= rules.mineAtCount) return true;
  return (
    waiting.oldestAdmittedAt !== undefined && now - waiting.oldestAdmittedAt >= rules.mineAfterSeconds * 1_000
  );
}

/** A block's timestamp is never before its predecessor's, whatever the clock says. Milliseconds. */
export function nextTimestamp(now: number, previous: number): number {
  return Math.max(now, previous);
}
