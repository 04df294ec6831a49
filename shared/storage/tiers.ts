import { baseUrl, ipfsGateway, ipfsTier } from "./ipfs-tier.ts";
import { kvTier } from "./kv-tier.ts";
import { pinataPinner } from "./pinata.ts";
import type { Pinner } from "./pinner.ts";
import { r2Tier } from "./r2-tier.ts";
import type { Tiers } from "./tier.ts";

/** What a Worker that writes blocks is given. */
export interface TiersEnv {
  readonly KV: KVNamespace;
  readonly R2: R2Bucket;
  readonly PINATA_JWT: string;
  /** Base URLs of Pinata's API, ending in /v3; Pinata's own when empty. */
  readonly PINATA_UPLOAD_URL?: string;
  readonly PINATA_ENDPOINT_URL?: string;
  /** Gateway that pinned bytes are read back through and that links point to. */
  readonly IPFS_GATEWAY_URL: string;
  readonly PIN_DEADLINE_SECONDS: string;
}

/** @throws Error that names the setting that is missing or wrong */
export function tiersOf(env: TiersEnv): Tiers {
  const gatewayUrl = gatewayUrlOf(env.IPFS_GATEWAY_URL);
  return {
    r2: r2Tier(env.R2),
    ipfs: ipfsTier(pinnerOf(env), ipfsGateway(gatewayUrl, deadlineOf(env))),
    kv: kvTier(env.KV, { gatewayUrl, now: Date.now }),
  };
}

/** @throws Error that names the setting that is missing or wrong */
export function pinnerOf(env: TiersEnv): Pinner {
  return pinataPinner({
    jwt: env.PINATA_JWT ?? "",
    uploadUrl: env.PINATA_UPLOAD_URL || undefined,
    endpointUrl: env.PINATA_ENDPOINT_URL || undefined,
    deadline: deadlineOf(env),
  });
}

/** Milliseconds for one request to the pinning service or the gateway. */
function deadlineOf(env: TiersEnv): number {
  const deadline = Number(env.PIN_DEADLINE_SECONDS) * 1_000;
  if (!(deadline > 0)) throw new Error("PIN_DEADLINE_SECONDS must be a number of seconds above 0");
  return deadline;
}

function gatewayUrlOf(text: string | undefined): string {
  if (!URL.canParse(text ?? "")) throw new Error("IPFS_GATEWAY_URL must be the base URL of an IPFS gateway");
  return baseUrl(text ?? "");
}
