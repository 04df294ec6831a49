import { RetryLater } from "../../../shared/runtime/errors.ts";

/** Makes a request. If a rate limit asks for a wait that is not too long, waits and makes it once more. */
export async function retryOnce<T>(longestWaitSeconds: number, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof RetryLater) || error.seconds > longestWaitSeconds) throw error;
    await scheduler.wait(error.seconds * 1_000);
    return request();
  }
}
