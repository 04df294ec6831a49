/** Every object of a list call, page by page: R2 and KV give at most 1,000 at a time, and a cursor. */
export async function* r2Pages(
  bucket: R2Bucket,
  options: R2ListOptions,
): AsyncGenerator<readonly R2Object[], void> {
  let cursor: string | undefined;
  do {
    const page: R2Objects = await bucket.list({ ...options, ...(cursor !== undefined && { cursor }) });
    yield page.objects;
    cursor = nextCursor(page.truncated ? page.cursor : undefined, cursor);
  } while (cursor !== undefined);
}

/** Like `r2Pages`, for KV. */
export async function* kvPages<Metadata>(
  kv: KVNamespace,
  options: KVNamespaceListOptions,
): AsyncGenerator<readonly KVNamespaceListKey<Metadata>[], void> {
  let cursor: string | undefined;
  do {
    const page: KVNamespaceListResult<Metadata> = await kv.list({
      ...options,
      ...(cursor !== undefined && { cursor }),
    });
    yield page.keys;
    cursor = nextCursor(page.list_complete ? undefined : page.cursor, cursor);
  } while (cursor !== undefined);
}

/** The part of a folder that one run of a sweep looks at. */
interface Portion {
  readonly prefix: string;
  /** The run begins after `prefix` and this text, which is random. */
  readonly place: string;
  /** Most objects of one run, at most 1,000. */
  readonly most: number;
  readonly include?: R2ListOptions["include"];
}

/**
 * Lists some of the objects with a prefix, from a random place; at the end it continues from the beginning. The work of a
 * run does not grow with the number of objects, and every object gets its turn, whatever happens to the objects before
 * it.
 */
export async function r2Portion(bucket: R2Bucket, portion: Portion): Promise<readonly R2Object[]> {
  const { prefix, place, most, include } = portion;
  const options: R2ListOptions = { prefix, limit: most, ...(include !== undefined && { include }) };
  const startAfter = prefix + place;
  const { objects, truncated } = await bucket.list({ ...options, startAfter });
  if (truncated || objects.length === most) return objects;
  const first = await bucket.list({ ...options, limit: most - objects.length });
  return [...objects, ...first.objects.filter(({ key }) => key <= startAfter)];
}

/** Eight random hexadecimal digits. */
export function hexByChance(): string {
  return crypto.randomUUID().slice(0, 8);
}

/** @throws Error when a list would repeat its last page without end */
export function nextCursor(next: string | undefined, last: string | undefined): string | undefined {
  if (next !== undefined && next === last) throw new Error("a list call gave the same cursor twice");
  return next;
}
