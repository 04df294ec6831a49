import { fromHex } from "../../../shared/crypto/bytes.ts";
import { transactionBytes } from "../../../shared/chain/transaction.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { mapConnections } from "../../../shared/storage/limits.ts";
import type { Call } from "../http/operation.ts";
import { readSealed } from "./sealed-blocks.ts";

/**
 * Reads entries of the log of blocks: block hashes of 32 bytes.
 * @param count at most 256
 * @throws Problem "unavailable" while the chain head lacks blocks that a checkpoint covers
 */
export async function blockEntries({ env }: Call, first: number, count: number): Promise<Uint8Array[]> {
  const { blocks } = await chainHead(env).logBlocks(first, count);
  return whole(
    blocks.map(({ hash }) => fromHex(hash)),
    count,
  );
}

/**
 * Reads entries of the log of transactions from the blocks that hold them: at most 256 blocks, because each holds an entry.
 * @throws Problem "unavailable"
 */
export async function transactionEntries(call: Call, first: number, count: number): Promise<Uint8Array[]> {
  const end = first + count;
  const rows = await chainHead(call.env).blocksOfEntries(first, end);
  const entries = await mapConnections(rows, async (row) => {
    const { transactions } = await readSealed(call, row);
    const from = Math.max(0, first - row.firstEntry);
    return transactions.slice(from, end - row.firstEntry).map(transactionBytes);
  });
  return whole(entries.flat(), count);
}

function whole(entries: Uint8Array[], count: number): Uint8Array[] {
  if (entries.length === count) return entries;
  throw new Problem(
    "unavailable",
    "The chain head does not have all of these blocks just now. Try again shortly.",
    {
      headers: { "retry-after": "5" },
    },
  );
}
