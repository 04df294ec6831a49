import { setTimeout as wait } from "node:timers/promises";

/** Tries again, as everybody does who was not answered well, until it works or the time is over. @throws the last failure */
export async function patiently<T>(
  work: () => Promise<T>,
  {
    within = 300_000,
    every = 50,
    unless = () => false,
  }: { within?: number; every?: number; unless?: (error: unknown) => boolean } = {},
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline || unless(error)) throw error;
      await wait(every);
    }
}
