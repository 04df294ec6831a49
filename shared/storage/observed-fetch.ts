import { retryAfterSeconds } from "./retry-after.ts";

interface Observed<T> {
  readonly result?: T;
  readonly error?: unknown;
  /** Seconds, from an answer that carried Retry-After (RFC 9110 §10.2.3). */
  readonly retryAfter?: number;
}

/**
 * Adds a deadline to the one request of a function of the `pinata` SDK, and reports the Retry-After of its answer. The
 * SDK has no option for either. It calls the global `fetch` before its first await. The global is therefore replaced only
 * while the function begins, when no other code can run.
 * @param deadlineMs for all of `work`
 * @param work must call the global `fetch` at once; otherwise the result is an error that says so
 */
export async function observedFetch<T>(deadlineMs: number, work: () => Promise<T>): Promise<Observed<T>> {
  const signal = AbortSignal.timeout(deadlineMs);
  const seen: { retryAfter?: number } = {};
  const globalFetch = globalThis.fetch;
  let isRequested = false;

  async function observing(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    isRequested = true;
    const response = await globalFetch(input, { ...init, signal });
    const seconds = retryAfterSeconds(response.headers.get("retry-after"), Date.now());
    if (seconds !== undefined) seen.retryAfter = seconds;
    return response;
  }

  function begin(): Promise<T> {
    globalThis.fetch = observing;
    try {
      return work();
    } finally {
      globalThis.fetch = globalFetch;
    }
  }

  try {
    const result = await endingWith(signal, begin());
    if (!isRequested) throw new Error("the request was not begun at once, so it had no deadline");
    return { result, ...seen };
  } catch (error) {
    return { error, ...seen };
  }
}

/** Ends the waiting for the SDK too: the signal alone aborts only the request. */
async function endingWith<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  return Promise.race([work, late]);
}
