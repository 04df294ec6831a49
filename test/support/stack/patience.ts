import { setTimeout as wait } from "node:timers/promises";

/**
 * Milliseconds. A test waits for an event, and a slow machine stays far below this limit, so only work that hangs
 * reaches it. The limit is shorter than a test's timeout, so that the failure names the event.
 */
export const HANG_AFTER_MS = 300_000;

/** Options for `expect.poll`. */
export const UNLESS_IT_HANGS = { interval: 5, timeout: HANG_AFTER_MS };

/** Milliseconds between two attempts. An attempt takes processor time from the Workers, so the pause grows. */
const FIRST_LOOK_AFTER_MS = 20;
const LOOK_EVERY_MS = 300;

interface Patience {
  /** Milliseconds after which the wait gives up. */
  readonly within?: number;
  /** Milliseconds between two attempts, at most. */
  readonly every?: number;
  /** Errors that waiting can't mend. */
  readonly unless?: (error: unknown) => boolean;
}

/** Repeats the work until it does not throw. @throws the last error, when the limit is reached or `unless` applies */
export async function until<Result>(
  work: () => Promise<Result>,
  { within = HANG_AFTER_MS, every = LOOK_EVERY_MS, unless = () => false }: Patience = {},
): Promise<Result> {
  const deadline = Date.now() + within;
  for (let pause = Math.min(FIRST_LOOK_AFTER_MS, every); ; pause = Math.min(every, pause * 1.4))
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline || unless(error)) throw error;
      await wait(pause);
    }
}
