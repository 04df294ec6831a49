import type { Client } from "../http/client.ts";
import { sourceBlockOf } from "./record.ts";
import type { SourceBlock } from "./verify.ts";

const AHEAD = 6; // requests in flight

/** The end of the published chain, as `vdc:latest` names it. */
export interface Latest {
  readonly blockNumber: number;
  readonly hash: string;
}

/** @throws CommandFailure, "not found" while no block is published */
export function latestOf(client: Client): Promise<Latest> {
  return client.get<Latest>("/api/vdc/latest");
}

/** Reads blocks `first` to `last` in their order from the public API, unverified. */
export async function* blocksFromApi(
  client: Client,
  first: number,
  last: number,
): AsyncGenerator<SourceBlock> {
  const underWay: Promise<unknown>[] = [];
  for (let asked = first, given = first; given <= last; given++) {
    while (asked <= last && asked < given + AHEAD) {
      const request = client.get(`/api/vdc/blocks/${asked++}`);
      request.catch(() => {}); // avoids an unhandled rejection: the request is awaited below, in its turn
      underWay.push(request);
    }
    yield sourceBlockOf(await underWay.shift());
  }
}
