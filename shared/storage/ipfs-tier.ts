import { readAtMost } from "../crypto/bytes.ts";
import { cidV0 } from "../crypto/cid.ts";
import type { Pinner } from "./pinner.ts";
import type { BlockCopy, BlockLocator, Tier } from "./tier.ts";

/** Reads bytes by CID over HTTP, and hashes them: what a gateway answers is never taken on trust. */
export interface GatewayReader {
  /** `undefined` when the gateway says it has none; throws when it can't be reached or serves other bytes. */
  fetch(cid: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** The public proof. A pin counts only when the service names the CID of our bytes and the gateway gives those bytes back. */
export function ipfsTier(pinner: Pinner, gateway: GatewayReader): Tier {
  return {
    name: "ipfs",

    async store({ block, bytes, cid }: BlockCopy) {
      const name = `vdc-${block.chainId}-block-${block.blockNumber}.json`;
      const answered = await pinner.pin(bytes, name, { chainId: block.chainId, blockHash: block.hash });
      if (answered !== cid)
        throw new Error(
          `the pinning service answered ${answered} for bytes whose CID is ${cid}: not accepted`,
        );
      if ((await gateway.fetch(cid)) === undefined)
        throw new Error(`the pinning service took ${cid}, but the gateway does not have it yet`);
    },

    read: ({ cid }: BlockLocator) => gateway.fetch(cid),
  };
}

/** KV holds 25 MiB, so no block is larger than this; a gateway that serves more serves something else. */
const MAX_FILE_BYTES = 26 * 1024 * 1024;

/** A base URL as links are made from it: without a slash at its end. */
export function baseUrl(text: string): string {
  return text.replace(/\/+$/, "");
}

/** @param gatewayUrl base URL of an IPFS gateway; `timeout` in milliseconds */
export function ipfsGateway(gatewayUrl: string, timeout: number): GatewayReader {
  return {
    async fetch(cid) {
      const response = await fetch(`${baseUrl(gatewayUrl)}/ipfs/${cid}`, {
        signal: AbortSignal.timeout(timeout),
        headers: { accept: "application/json, application/octet-stream;q=0.9, */*;q=0.1" },
      });
      if (response.status === 404 || response.status === 410) {
        await response.body?.cancel();
        return undefined;
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`the IPFS gateway answered ${response.status} for ${cid}`);
      }
      const bytes = await readAtMost(response.body, MAX_FILE_BYTES);
      if (bytes === undefined) throw new Error(`the IPFS gateway served more than ${MAX_FILE_BYTES} bytes`);
      if ((await cidV0(bytes)) !== cid)
        throw new Error(`the IPFS gateway served other bytes than those of ${cid}`);
      return bytes;
    },
  };
}
