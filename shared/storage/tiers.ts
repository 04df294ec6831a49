import { baseUrl, IPFS_GATEWAY_UNSET, ipfsGateway, ipfsTier, type GatewayReader } from "./ipfs-tier.ts";
import { kvTier } from "./kv-tier.ts";
import { pinataPinner } from "./pinata.ts";
import type { Pinner } from "./pinner.ts";
import { r2Tier } from "./r2-tier.ts";
import type { Tiers } from "./tier.ts";

/** The bindings of a Worker that pins. */
export interface PinningEnv {
  readonly PINATA_JWT: string;
  /** Base URLs of Pinata's API, ending in /v3; Pinata's own when empty. */
  readonly PINATA_UPLOAD_URL?: string;
  readonly PINATA_ENDPOINT_URL?: string;
  /** The gateway through which pinned bytes are read back, and to which links point. */
  readonly IPFS_GATEWAY_URL: string;
  readonly PIN_DEADLINE_SECONDS: string;
}

/** The bindings of a Worker that writes blocks. */
export interface TiersEnv extends PinningEnv {
  readonly KV: KVNamespace;
  readonly R2: R2Bucket;
}

/** @throws Error that names the missing or wrong setting */
export function tiersOf(env: TiersEnv): Tiers {
  return {
    r2: r2Tier(env.R2),
    ipfs: ipfsTier(pinnerOf(env), gatewayOf(env)),
    kv: kvTier(env.KV, { gatewayUrl: gatewayUrlOf(env.IPFS_GATEWAY_URL), now: Date.now }),
  };
}

/** @throws Error that names the missing or wrong setting */
export function pinnerOf(env: PinningEnv): Pinner {
  return pinataPinner({
    jwt: env.PINATA_JWT ?? "",
    uploadUrl: env.PINATA_UPLOAD_URL || undefined,
    endpointUrl: env.PINATA_ENDPOINT_URL || undefined,
    deadlineMs: deadlineMsOf(env),
  });
}

/** @throws Error that names the missing or wrong setting */
export function gatewayOf(env: PinningEnv): GatewayReader {
  return ipfsGateway(gatewayUrlOf(env.IPFS_GATEWAY_URL), deadlineMsOf(env));
}

/** Milliseconds for one request to the pinning service or the gateway. */
function deadlineMsOf(env: PinningEnv): number {
  const deadlineMs = Number(env.PIN_DEADLINE_SECONDS) * 1_000;
  if (!(deadlineMs > 0)) throw new Error("PIN_DEADLINE_SECONDS must be a number of seconds above 0");
  return deadlineMs;
}

function gatewayUrlOf(text: string | undefined): string {
  if (!URL.canParse(text ?? "")) throw new Error(IPFS_GATEWAY_UNSET);
  return baseUrl(text ?? "");
}
