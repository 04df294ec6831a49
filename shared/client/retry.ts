/** A request that failed: by an answer, or by having none. */
export interface Failed {
  readonly status?: number;
  /** What the answer's problem is called, when it is one. */
  readonly slug?: string;
  /** The header: seconds. */
  readonly retryAfter?: string | null;
  /** Why there was no answer. */
  readonly cause?: unknown;
}

const ATTEMPTS = 4;
const FIRST_PAUSE = 500; // milliseconds; doubles
const LONGEST_PAUSE = 30_000;
const PASSING = [429, 502, 503, 504];
/** Stays as it is until somebody configures the deployment. */
const LASTING = ["operators-not-configured", "not-configured"];
/** Nothing listens there, or the name is wrong: asking again in a second would only be slower. */
const NOBODY_THERE = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/**
 * How long to wait before the nth attempt of a request that may be repeated; `undefined`: the failure stands.
 * @returns milliseconds
 */
export function pauseBefore(attempt: number, failed: Failed): number | undefined {
  if (attempt > ATTEMPTS || !mayPass(failed)) return undefined;
  const asked = askedFor(failed);
  const pause = asked > 0 ? asked : FIRST_PAUSE * 2 ** (attempt - 2);
  return pause > LONGEST_PAUSE ? undefined : pause;
}

/** Whether the same request may succeed a little later. */
export function mayPass({ status, slug, cause }: Failed): boolean {
  if (status !== undefined) return PASSING.includes(status) && !LASTING.includes(slug ?? "");
  const { code } = (cause instanceof Error ? (cause.cause ?? cause) : {}) as { code?: unknown };
  return !NOBODY_THERE.includes(String(code));
}

/** What Retry-After wants, 0 where it wants nothing. @returns milliseconds */
export function askedFor({ retryAfter }: Failed): number {
  const seconds = Number(retryAfter ?? "");
  return seconds > 0 ? seconds * 1_000 : 0;
}
