import type { Client } from "../http/client.ts";
import { inOrder } from "./in-order.ts";
import { sourceBlockOf } from "./record.ts";
import type { SourceBlock } from "./verify.ts";

/** Reads blocks `first` to `last` in their order from the public API, unverified. */
export function blocksFromApi(client: Client, first: number, last: number): AsyncGenerator<SourceBlock> {
  return inOrder(first, last, async (blockNumber) =>
    sourceBlockOf(await client.call("GET /api/vdc/blocks/:blockNumber", { params: { blockNumber } })),
  );
}
