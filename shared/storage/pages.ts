/** Every object that a list call shows, page by page: R2 and KV give at most 1,000 at a time, and a cursor. */
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

/** As `r2Pages`, for KV. */
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

/** @throws Error when a list would begin its last page again, and never end */
function nextCursor(next: string | undefined, last: string | undefined): string | undefined {
  if (next !== undefined && next === last) throw new Error("a list call gave the same cursor twice");
  return next;
}
