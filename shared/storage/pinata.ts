import { NetworkError, PinataSDK } from "pinata";
import { RetryLater } from "../errors.ts";
import { observedFetch } from "./observed-fetch.ts";
import type { Pinner } from "./pinner.ts";

export interface PinataSettings {
  readonly jwt: string;
  /** Base URLs ending in `/v3`; Pinata's own when left out. */
  readonly uploadUrl?: string | undefined;
  readonly endpointUrl?: string | undefined;
  /** Milliseconds for one upload. */
  readonly deadline: number;
}

/** Pinata counts requests by the minute (its documentation, "Rate limits"), so that is the wait when it names none. */
const RATE_LIMIT_SECONDS = 60;

/** @throws Error when the token is missing: the SDK would send `Bearer undefined`, and nothing may pretend to pin. */
export function pinataPinner(settings: PinataSettings): Pinner {
  if (settings.jwt.length < 8)
    throw new Error("PINATA_JWT is not set: set it with `wrangler secret put PINATA_JWT`");
  const { uploadUrl, endpointUrl } = settings;

  return {
    async pin(bytes, name, keyvalues) {
      const sdk = new PinataSDK({
        pinataJwt: settings.jwt,
        ...(uploadUrl && { uploadUrl }),
        ...(endpointUrl && { endpointUrl }),
      });
      const file = new File([bytes], name, { type: "application/json" });
      // The builder is a thenable that uploads at each await: awaited once, here.
      const { result, error, retryAfter } = await observedFetch(settings.deadline, async () =>
        sdk.upload.public.file(file).name(name).keyvalues(keyvalues).cidVersion("v0"),
      );
      if (result !== undefined) return result.cid;
      if (error instanceof NetworkError && error.statusCode === 429)
        throw new RetryLater(retryAfter ?? RATE_LIMIT_SECONDS, "Pinata limits our rate: waiting as it asks");
      throw error;
    },
  };
}
