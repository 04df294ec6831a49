import type { Client } from "../http/client.ts";
import { sourceBlockOf } from "./record.ts";
import type { SourceBlock } from "./verify.ts";

const AHEAD = 6; // requests in flight

/** Reads blocks `first` to `last` in their order from the public API, unverified. */
export async function* blocksFromApi(
  client: Client,
  first: number,
  last: number,
): AsyncGenerator<SourceBlock> {
  const underWay: Promise<unknown>[] = [];
  for (let next = first, given = first; given <= last; given++) {
    while (next <= last && next < given + AHEAD) {
      const request = client.call("GET /api/vdc/blocks/:blockNumber", { params: { blockNumber: next++ } });
      request.catch(() => {}); // avoids an unhandled rejection: the request is awaited below, in its turn
      underWay.push(request);
    }
    yield sourceBlockOf(await underWay.shift());
  }
}
