import { pause } from "./pause.ts";
import { VdcProblem } from "./problem.ts";
import { askedFor, mayPass } from "./retry.ts";
import { parsed, type Attempt } from "./transport.ts";

export interface Patience {
  readonly signal?: AbortSignal;
  /** Milliseconds, ten minutes by default. An operator who approves each block may take hours. */
  readonly timeout?: number;
}

interface Status {
  readonly state: string;
}

/** The transaction or document is not in a final state yet. It goes on, and the caller can wait for it again. */
export class StillWaiting extends Error {
  override readonly name = "StillWaiting";
  /** The last status seen; undefined when the deployment did not know it yet. */
  readonly last: Status | undefined;

  constructor(id: string, last: Status | undefined) {
    super(`${id} is ${last?.state ?? "not known yet"} at the end of the timeout`);
    this.last = last;
  }
}

const TIMEOUT_MS = 600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const GROWTH = 1.5;

export interface Clock {
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

const CLOCK: Clock = { now: () => performance.now(), pause };

/**
 * Polls a status, less and less often, until it is final. The deployment does not know a transaction for a moment after it was
 * taken. Failures that may pass are waited out, at least as long as Retry-After says.
 * @param look asks for the status of `id`
 * @throws StillWaiting, the signal's reason, VdcProblem or VdcUnreachable for a failure that does not pass
 */
export async function waitUntil<Seen extends Status, Final extends Seen>(
  id: string,
  look: (signal?: AbortSignal) => Promise<Attempt>,
  isFinal: (status: Seen) => status is Final,
  { signal, timeout = TIMEOUT_MS }: Patience = {},
  clock: Clock = CLOCK,
): Promise<Final> {
  const deadline = clock.now() + timeout;
  let last: Seen | undefined;
  for (let next = FIRST_PAUSE_MS; ; next = Math.min(next * GROWTH, LONGEST_PAUSE_MS)) {
    const attempt = await look(signal);
    let least = 0;
    if ("bytes" in attempt) {
      last = parsed(attempt.bytes, id) as Seen;
      if (isFinal(last)) return last;
    } else {
      const { failure } = attempt;
      const isUnknown = failure instanceof VdcProblem && failure.slug === "not-found";
      if (!isUnknown && !mayPass(attempt)) throw failure;
      least = askedFor(attempt);
    }
    const left = deadline - clock.now();
    if (left <= 0 || least > left) throw new StillWaiting(id, last);
    await clock.pause(Math.max(least, Math.min(next, left)), signal);
  }
}
