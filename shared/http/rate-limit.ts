import { errorText, type Log } from "../runtime/log.ts";
import type { RateLimitName } from "../pipeline.ts";
import { Problem } from "./problems.ts";

const RETRY_AFTER = { "retry-after": "60" }; // the period of the limits

export interface Counted {
  readonly limit: RateLimitName;
  readonly limiter: RateLimit;
  readonly key: string;
  /** The holder of the limit, as the caller is told. */
  readonly of: "address" | "signing key";
}

/**
 * Counts one request. The log line has no key, because an address is personal.
 * @param setting `off` disables the limit; any other value, a misspelt "Off" too, keeps it
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

/** Allows every request when the limiter itself fails: it guards against abuse and must not cause an outage. */
async function isAllowed({ limit, limiter, key }: Counted, log: Log): Promise<boolean> {
  try {
    return (await limiter.limit({ key })).success;
  } catch (error) {
    log.error("rate.limiter_failed", { limit, error: errorText(error) });
    return true;
  }
}
