/** Every object that a list call shows, page by page: R2 and KV give at most 1,000 at a time, and a cursor. */
export async function* r2Pages(
  bucket: R2Bucket,
  options: R2ListOptions,
): AsyncGenerator<readonly R2Object[], void> {
  let cursor: string | undefined;
  do {
    const page: R2Objects = await bucket.list({ ...options, ...(cursor !== undefined && { cursor }) });
    yield page.objects;
    cursor = page.truncated ? page.cursor : undefined;
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
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
}
