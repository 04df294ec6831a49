import { RetryLater } from "../../shared/errors.ts";

/** Runs `work`; a rate limit that asks for no more than `patience` seconds is waited out once. */
export async function patiently<T>(patience: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RetryLater) || error.seconds > patience) throw error;
    await scheduler.wait(error.seconds * 1_000);
    return work();
  }
}
