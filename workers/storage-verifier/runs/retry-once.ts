import { RetryLater } from "../../../shared/runtime/errors.ts";

/** Runs `work`. If a rate limit asks for at most `patience` seconds, it waits and runs `work` once more. */
export async function patiently<T>(patience: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RetryLater) || error.seconds > patience) throw error;
    await scheduler.wait(error.seconds * 1_000);
    return work();
  }
}
