import type { Client } from "../http/client.ts";
import type { Latest } from "../../shared/api/blocks.ts";
import { blocksFromApi } from "./from-api.ts";
import type { ChainState } from "./state.ts";
import { UnverifiedChain, verifySource, type ChainSource, type VerifiedBlock } from "./verify.ts";

/**
 * Verifies the chain that a deployment publishes, up to its present latest block: link by link from where the state ends.
 * The last block must be the one that the deployment names as its latest.
 */
export async function publishedChain(
  client: Client,
  genesis?: string,
  state?: ChainState,
): Promise<{
  readonly latest: Latest;
  readonly source: ChainSource;
  readonly blocks: AsyncGenerator<VerifiedBlock>;
}> {
  const latest = await client.call("GET /api/vdc/latest");
  const source: ChainSource = {
    count: latest.blockNumber + 1,
    blocks: (from) => blocksFromApi(client, from, latest.blockNumber),
  };
  return { latest, source, blocks: endingAt(latest, verifySource(source, genesis, state), state) };
}

async function* endingAt(
  { blockNumber, hash }: Latest,
  blocks: AsyncIterable<VerifiedBlock>,
  state: ChainState | undefined,
): AsyncGenerator<VerifiedBlock> {
  const refuseOther = (actual: string) => {
    if (actual !== hash)
      throw new UnverifiedChain(
        blockNumber,
        "wrong_place",
        `its hash is ${actual}, but the latest is said to be ${hash}`,
      );
  };
  let last: string | undefined;
  for await (const verified of blocks) {
    const { block } = verified;
    if (block.blockNumber === blockNumber) refuseOther((last = block.hash));
    yield verified;
  }
  if (last === undefined && state?.end !== undefined) refuseOther(state.end.hash); // already verified in an earlier run
}
