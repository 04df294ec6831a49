import { AsyncLocalStorage } from "node:async_hooks";
import { retryAfterSeconds } from "./retry-after.ts";

/**
 * The `pinata` SDK calls the global `fetch` without a deadline, and drops the `Retry-After` of a 429. Both are added
 * here, for the requests made inside one call of `observedFetch` and no others.
 */
interface Observation {
  readonly signal: AbortSignal;
  retryAfter?: number;
}

export interface Observed<T> {
  readonly result?: T;
  readonly error?: unknown;
  /** Seconds, from the last answer that carried Retry-After (RFC 9110 §10.2.3). */
  readonly retryAfter?: number;
}

const observation = new AsyncLocalStorage<Observation>();
const realFetch = globalThis.fetch;

globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
  const current = observation.getStore();
  if (current === undefined) return realFetch(input, init);
  const response = await realFetch(input, { ...init, signal: current.signal });
  const seconds = retryAfterSeconds(response.headers.get("retry-after"), Date.now());
  if (seconds !== undefined) current.retryAfter = seconds;
  return response;
};

/** Runs `work`; every request in it is aborted after `deadline` milliseconds. Answers its result or its error. */
export async function observedFetch<T>(deadline: number, work: () => Promise<T>): Promise<Observed<T>> {
  const current: Observation = { signal: AbortSignal.timeout(deadline) };
  try {
    return {
      result: await observation.run(current, () => withDeadline(work(), current.signal)),
      ...seen(current),
    };
  } catch (error) {
    return { error, ...seen(current) };
  }
}

function seen({ retryAfter }: Observation): { retryAfter?: number } {
  return retryAfter === undefined ? {} : { retryAfter };
}

/** The abort reaches the request; this reaches whatever the SDK does between requests. */
async function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the pinning service did not answer in time")));
  });
  return Promise.race([work, late]);
}
