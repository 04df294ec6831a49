/**
 * Limits of the platform that local workerd does not enforce: Cloudflare's documentation,
 * docs/design.md#limits-of-the-platform
 */
export const QUEUE_MESSAGE_BYTES = 128_000 - 2_000; // 128 kB with metadata; ours keeps 2 kB free for it
export const R2_DELETE_KEYS = 1_000;
export const OPEN_CONNECTIONS = 6;
/** Most keys of a bulk read of KV, which counts as one operation. */
export const KV_KEYS_A_BULK_READ = 100;
export const KV_VALUE_BYTES = 25 * 1024 * 1024;
/** Milliseconds between two writes of one key: KV and R2 accept one a second. With a margin. */
export const KEY_WRITE_INTERVAL_MS = 1_100;

/** Splits the items into runs of at most `size`. */
export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

/**
 * Runs `work` for every item, at most `OPEN_CONNECTIONS` at a time. Results are in the items' order. The first failure
 * rejects once the running items have ended, so no work goes on unseen.
 */
export async function mapConnections<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await settleConnections(items, work);
  return settled.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

/** Like `mapConnections`, but a failure of one item does not affect the others. */
export async function settleConnections<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  atOnce = OPEN_CONNECTIONS,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = Array.from({ length: items.length });
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const i = next++;
      [results[i]] = await Promise.allSettled([Promise.try(work, items[i] as T)]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
  return results;
}
