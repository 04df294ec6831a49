import { RetryLater } from "../errors.ts";

/** Retry-After is either seconds or an HTTP date. Seconds, or `undefined` for none or nonsense. */
export function retryAfterSeconds(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1_000));
}

/** Services count requests by the minute, so that is the wait when an answer names none. */
const OTHERWISE_SECONDS = 60;
/** An answer that asks for more must not stop a stage for days. */
const LONGEST_SECONDS = 3_600;

/** For an answer 429. @param seconds that it asks for; @param who limits our rate */
export function rateLimited(seconds: number | undefined, who: string): RetryLater {
  const wait = Math.min(LONGEST_SECONDS, seconds ?? OTHERWISE_SECONDS);
  return new RetryLater(wait, `${who} limits our rate: waiting as it asks`);
}
