/** A request that failed, with or without an answer. */
export interface Failed {
  readonly status?: number;
  /** The slug of the answer's problem, if it is one. */
  readonly slug?: string;
  /** The header's value: seconds. */
  readonly retryAfter?: string | null;
  /** The reason for which there was no answer. */
  readonly cause?: unknown;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500; // doubles
const LONGEST_PAUSE_MS = 30_000;
const PASSING = [429, 502, 503, 504];
/** Problems that last until an operator configures the deployment. */
const LASTING = ["operators-not-configured", "not-configured"];
/** Errors of a port without a listener or a wrong name: a second attempt would only cost time. */
const NOBODY_THERE = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/**
 * Computes the wait before attempt number `attempt` of a request that may be repeated; `undefined` when the request has
 * finally failed.
 * @returns milliseconds
 */
export function pauseBefore(attempt: number, failed: Failed): number | undefined {
  if (attempt > ATTEMPTS || !mayPass(failed)) return undefined;
  const requestedMs = askedFor(failed);
  const pause = requestedMs > 0 ? requestedMs : FIRST_PAUSE_MS * 2 ** (attempt - 2);
  return pause > LONGEST_PAUSE_MS ? undefined : pause;
}

/** Decides whether the same request may succeed a little later. */
export function mayPass({ status, slug, cause }: Failed): boolean {
  if (status !== undefined) return PASSING.includes(status) && !LASTING.includes(slug ?? "");
  const { code } = (cause instanceof Error ? (cause.cause ?? cause) : {}) as { code?: unknown };
  return !NOBODY_THERE.includes(String(code));
}

/** Reads the wait that Retry-After asks for, 0 without one. @returns milliseconds */
export function askedFor({ retryAfter }: Failed): number {
  const seconds = Number(retryAfter ?? "");
  return seconds > 0 ? seconds * 1_000 : 0;
}
