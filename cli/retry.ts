import { AnswerFailure } from "./answer-failure.ts";
import type { CommandFailure } from "./failure.ts";

/** A request that failed: by an answer, or by having none. */
export interface Attempt {
  readonly failure: CommandFailure;
  readonly status?: number;
  /** The header: seconds. */
  readonly retryAfter?: string | null;
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
export function pauseBefore(attempt: number, failed: Attempt): number | undefined {
  if (attempt > ATTEMPTS || !mayPass(failed)) return undefined;
  const asked = Number(failed.retryAfter ?? "") * 1_000;
  const pause = asked > 0 ? asked : FIRST_PAUSE * 2 ** (attempt - 2);
  return pause > LONGEST_PAUSE ? undefined : pause;
}

function mayPass({ failure, status, cause }: Attempt): boolean {
  if (status !== undefined)
    return (
      PASSING.includes(status) && !(failure instanceof AnswerFailure && LASTING.includes(failure.slug ?? ""))
    );
  const { code } = (cause instanceof Error ? (cause.cause ?? cause) : {}) as { code?: unknown };
  return !NOBODY_THERE.includes(String(code));
}
