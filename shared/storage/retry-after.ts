import { RetryLater } from "../runtime/errors.ts";

/**
 * Parses Retry-After, which is either seconds or an HTTP date. Returns seconds, or `undefined` when it is missing or
 * malformed.
 */
export function retryAfterSeconds(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1_000));
}

/** The wait when an answer names none: services count requests by the minute. */
const OTHERWISE_SECONDS = 60;
/** The longest accepted wait: an answer must not stop a stage for days. */
const LONGEST_SECONDS = 3_600;

/** Makes the error for an answer 429. @param seconds the requested wait; @param who the service that limits our rate */
export function rateLimited(seconds: number | undefined, who: string): RetryLater {
  const wait = Math.min(LONGEST_SECONDS, seconds ?? OTHERWISE_SECONDS);
  return new RetryLater(wait, `${who} limits our rate: waiting as it asks`);
}
