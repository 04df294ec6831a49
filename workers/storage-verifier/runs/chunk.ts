import type { KnownBlock } from "../verify/inspect.ts";

/**
 * Number of transactions whose index one invocation can restore. Each costs at most two writes, and an invocation has 1,000 KV
 * operations for everything (Cloudflare, KV limits).
 */
export const TRANSACTIONS_AT_ONCE = 350;

/** Returns as many of the first blocks as one invocation can restore, whatever is lost; at least one block. */
export function chunkOf<Block extends Pick<KnownBlock, "transactionCount">>(
  blocks: readonly Block[],
): Block[] {
  let transactions = 0;
  const tooMany = blocks.findIndex(
    ({ transactionCount }, i) => (transactions += transactionCount) > TRANSACTIONS_AT_ONCE && i > 0,
  );
  return blocks.slice(0, tooMany === -1 ? blocks.length : tooMany);
}
