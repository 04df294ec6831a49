import type { Client } from "../client.ts";
import { blocksFromApi, latestOf, type Latest } from "./from-api.ts";
import { Unverified, verifyChain, type VerifiedBlock } from "./verify.ts";

/**
 * The chain as a deployment publishes it, up to the block that is its latest now: verified link by link, and found to
 * end where the deployment says that it ends.
 */
export async function publishedChain(
  client: Client,
  genesis?: string,
): Promise<{ readonly latest: Latest; readonly blocks: AsyncGenerator<VerifiedBlock> }> {
  const latest = await latestOf(client);
  const blocks = verifyChain(blocksFromApi(client, latest.blockNumber), genesis);
  return { latest, blocks: endingAt(latest, blocks) };
}

async function* endingAt(
  { blockNumber, hash }: Latest,
  blocks: AsyncIterable<VerifiedBlock>,
): AsyncGenerator<VerifiedBlock> {
  for await (const verified of blocks) {
    const { block } = verified;
    if (block.blockNumber === blockNumber && block.hash !== hash)
      throw new Unverified(
        blockNumber,
        "wrong_place",
        `its hash is ${block.hash}, but the latest is said to be ${hash}`,
      );
    yield verified;
  }
}
