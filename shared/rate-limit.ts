import { errorText, type Log } from "./log.ts";
import type { RateLimitName } from "./pipeline.ts";
import { Problem } from "./http/problems.ts";

const RETRY_AFTER = { "retry-after": "60" }; // the period of the limits

export interface Counted {
  readonly limit: RateLimitName;
  readonly limiter: RateLimit;
  readonly key: string;
  /** Whose requests these are, for the caller. */
  readonly of: "address" | "signing key";
}

/**
 * Counts one request. The log has no key: an address is personal.
 * @param setting `off`: nothing is limited. Anything else, a misspelt "Off" too, limits
 * @throws Problem "rate-limited"
 */
export async function countRequest(counted: Counted, setting: string, log: Log): Promise<void> {
  if (setting === "off" || (await isAllowed(counted, log))) return;
  log.warn("rate.limited", { limit: counted.limit });
  throw new Problem(
    "rate-limited",
    `Too many requests came from this ${counted.of} within a minute. Nothing was done; wait a minute.`,
    { headers: RETRY_AFTER },
  );
}

/** A limiter that fails lets everybody through: it guards against abuse, and must not be the failure itself. */
async function isAllowed({ limit, limiter, key }: Counted, log: Log): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch (error) {
    log.error("rate.limiter_failed", { limit, error: errorText(error) });
    return true;
  }
}
