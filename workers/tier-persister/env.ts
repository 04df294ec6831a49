import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import type { IndexBlock } from "../../shared/messages.ts";
import { baseUrl, ipfsGateway, ipfsTier } from "../../shared/storage/ipfs-tier.ts";
import { kvTier } from "../../shared/storage/kv-tier.ts";
import { pinataPinner } from "../../shared/storage/pinata.ts";
import { r2Tier } from "../../shared/storage/r2-tier.ts";
import type { Tier } from "../../shared/storage/tier.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly KV: KVNamespace;
  readonly R2: R2Bucket;
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
  readonly PINATA_JWT: string;
  /** Base URLs of Pinata's API, ending in /v3; Pinata's own when empty. */
  readonly PINATA_UPLOAD_URL?: string;
  readonly PINATA_ENDPOINT_URL?: string;
  /** Gateway that pinned bytes are read back through and that links point to. */
  readonly IPFS_GATEWAY_URL: string;
  readonly PIN_DEADLINE_SECONDS: string;
}

/** R2, IPFS, KV: the order in which a block becomes durable, provable, readable. */
export function tiersOf(env: Env): readonly Tier[] {
  const gatewayUrl = gatewayUrlOf(env.IPFS_GATEWAY_URL);
  const deadline = Number(env.PIN_DEADLINE_SECONDS) * 1_000;
  if (!(deadline > 0)) throw new Error("PIN_DEADLINE_SECONDS must be a number of seconds above 0");
  return [
    r2Tier(env.R2),
    ipfsTier(
      pinataPinner({
        jwt: env.PINATA_JWT ?? "",
        uploadUrl: env.PINATA_UPLOAD_URL || undefined,
        endpointUrl: env.PINATA_ENDPOINT_URL || undefined,
        deadline,
      }),
      ipfsGateway(gatewayUrl, deadline),
    ),
    kvTier(env.KV, { gatewayUrl, now: Date.now }),
  ];
}

function gatewayUrlOf(text: string | undefined): string {
  if (!URL.canParse(text ?? "")) throw new Error("IPFS_GATEWAY_URL must be the base URL of an IPFS gateway");
  return baseUrl(text ?? "");
}
