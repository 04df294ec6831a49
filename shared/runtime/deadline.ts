/**
 * Returns the result of `work`, or throws once `milliseconds` are over. For calls that cannot be aborted: the call may go
 * on, and its later result is ignored.
 */
export async function withDeadline<T>(
  milliseconds: number,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not answer within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([Promise.try(work), late]);
  } finally {
    clearTimeout(timer);
  }
}
