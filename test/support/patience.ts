import { setTimeout as wait } from "node:timers/promises";

/**
 * Milliseconds. A test waits for an event, and a slow machine stays far below this limit: only work that hangs reaches it. It is
 * shorter than a test's timeout, so the failure says what was waited for.
 */
export const HANG_AFTER_MS = 300_000;

/** For `expect.poll`. */
export const UNLESS_IT_HANGS = { interval: 5, timeout: HANG_AFTER_MS };

/** Milliseconds between two looks. A look takes processor time from the Workers, so the pause grows. */
const FIRST_LOOK_AFTER_MS = 20;
const LOOK_EVERY_MS = 300;

interface Patience {
  /** Milliseconds after which it gives up. */
  readonly within?: number;
  /** Milliseconds between two looks. */
  readonly every?: number;
  /** Errors that no waiting mends. */
  readonly unless?: (error: unknown) => boolean;
}

/** Works again and again until it throws no error. @throws the last error when the limit of a hang is reached */
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
