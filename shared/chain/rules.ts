/** The operator's settings for the chain; the chain head reads them once. Times in seconds, sizes in bytes. */
export interface ChainRules {
  readonly miningMode: "auto" | "approval";
  readonly mineAtCount: number;
  readonly mineAfterSeconds: number;
  readonly blockMaxTransactions: number;
  readonly blockMaxBytes: number;
  readonly maxBlocksInFlight: number;
  readonly stallAfterSeconds: number;
  /** A write to KV without an answer has landed after this time, or never will. */
  readonly writeLandsWithinSeconds: number;
  /** How long a submission waits for its payment. */
  readonly intentTtlSeconds: number;
}

/** Bytes of the header, hash, signature and punctuation of a block without transactions; measured, with a margin. */
export const BLOCK_OVERHEAD_BYTES = 8_192;

/** A transaction that waits for a block. */
export interface WaitingTransaction {
  readonly id: string;
  /** The transaction's place in the order of admission. */
  readonly sequence: number;
  /** Bytes of the public transaction. */
  readonly size: number;
  /** Bytes of the transaction's envelope, which the block's archive of private parts holds. */
  readonly envelopeSize: number;
}

/** Limits of a block, or of half a block. */
interface Room {
  readonly count: number;
  /** Bytes of public transactions. */
  readonly bytes: number;
  /** Bytes of envelopes. */
  readonly archiveBytes: number;
}

/**
 * Most bytes of a block's archive of private parts. Cleaning, showing and erasing hold the archive in memory several
 * times, and a Worker has 128 MB.
 */
export const PRIVATE_ARCHIVE_BYTES = 32_000_000;

/**
 * Chooses the transactions of the next block, in the order of admission. Paid ones have first claim to half of the block,
 * the oldest of all waiting ones to the rest. Room that one half leaves goes to the other.
 *
 * At least one transaction is always taken: otherwise a transaction above the limit would stop the chain. In a block with an even
 * number it is the oldest paid one, in a block with an odd number the oldest of all. Therefore the oldest transaction
 * never waits for more than two blocks, even when a half has room for none (`blockMaxTransactions` is 1) or the
 * transaction is larger than half a block.
 * @param paid the oldest paid transactions that may overtake. The caller may leave out those that need another transaction and
 * stand behind the oldest `blockMaxTransactions` of that kind: they have no claim to the half yet
 * @param all the oldest of all waiting transactions: at least `blockMaxTransactions` of them, if that many wait
 */
export function nextTransactions<T extends WaitingTransaction>(
  blockNumber: number,
  paid: readonly T[],
  all: readonly T[],
  rules: Pick<ChainRules, "blockMaxTransactions" | "blockMaxBytes">,
): T[] {
  const whole: Room = {
    count: rules.blockMaxTransactions,
    bytes: rules.blockMaxBytes - BLOCK_OVERHEAD_BYTES,
    archiveBytes: PRIVATE_ARCHIVE_BYTES,
  };
  const isPaidTurn = blockNumber % 2 === 0 && paid.length > 0;
  const first = (isPaidTurn ? paid : all).slice(0, 1);
  const half: Room = {
    count: Math.floor(whole.count / 2),
    bytes: Math.floor(whole.bytes / 2),
    archiveBytes: whole.archiveBytes / 2,
  };
  const firstHalf = fill(isPaidTurn ? first : [], paid, half);
  const chosen = fill(fill(first, firstHalf, whole), all, whole);
  return chosen.toSorted((a, b) => a.sequence - b.sequence);
}

/** Adds the candidates that are not chosen yet, in their order, up to the first that does not fit. */
function fill<T extends WaitingTransaction>(chosen: readonly T[], candidates: readonly T[], room: Room): T[] {
  const filled = new Map(chosen.map((one) => [one.id, one]));
  let bytes = chosen.reduce((sum, { size }) => sum + size + 1, 0); // each transaction with its comma
  let archiveBytes = chosen.reduce((sum, { envelopeSize }) => sum + envelopeSize, 0);
  for (const one of candidates) {
    if (filled.has(one.id)) continue;
    bytes += one.size + 1;
    archiveBytes += one.envelopeSize;
    if (filled.size >= room.count || bytes > room.bytes || archiveBytes > room.archiveBytes) break;
    filled.set(one.id, one);
  }
  return [...filled.values()];
}

/**
 * Decides whether enough transactions wait, or the oldest has waited long enough, for mining without an operator: never in the
 * mode `approval`. Times in milliseconds.
 */
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

/** Keeps a block's timestamp from being before its predecessor's, even if the clock runs backwards. Milliseconds. */
export function nextTimestamp(now: number, previous: number): number {
  return Math.max(now, previous);
}
