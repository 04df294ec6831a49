import { RetryLater } from "../runtime/errors.ts";

export interface RetryEnv {
  /** Seconds before the first retry; doubles with each retry. */
  readonly RETRY_BASE_SECONDS?: string;
}

const DEFAULT_RETRY_BASE_SECONDS = 10;

/** Falls back to the default when the setting is not a number, so that retries go on. */
export function retryBase({ RETRY_BASE_SECONDS: setting }: RetryEnv): number {
  const seconds = Number(setting?.trim() || DEFAULT_RETRY_BASE_SECONDS);
  return seconds >= 0 && seconds <= 3_600 ? seconds : DEFAULT_RETRY_BASE_SECONDS;
}

/** The delay doubles up to this bound, so that a stage is back soon after a short outage. */
const DOUBLES_UP_TO_SECONDS = 300;
const DOUBLED_ATTEMPTS = 10;
/** Growth of the delay per attempt afterwards: so slow that recovery takes about a tenth of the outage's length. */
const GROWTH = 1.15;
/** Longest backoff. 100 retries at this delay last longer than the queue keeps the message. */
const MAX_DELAY_SECONDS = 6_000;
/** The longest delay that the platform accepts. */
const LONGEST_SECONDS = 86_400;

/**
 * Computes the seconds until the next attempt: exponential backoff with jitter, and at least the delay that the failure
 * asks for.
 * @param random in [0, 1)
 */
export function retryDelay(error: unknown, attempts: number, base: number, random: number): number {
  const slow = DOUBLES_UP_TO_SECONDS * GROWTH ** Math.max(0, attempts - DOUBLED_ATTEMPTS);
  const doubled = base * 2 ** Math.min(attempts - 1, 16);
  const backoff = Math.min(doubled, slow, MAX_DELAY_SECONDS) * (0.8 + random / 5);
  const requestedSeconds = error instanceof RetryLater ? error.seconds + base * random : 0;
  return Math.ceil(Math.min(LONGEST_SECONDS, Math.max(backoff, requestedSeconds)));
}
