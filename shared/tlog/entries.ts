import { concat } from "../crypto/bytes.ts";
import { InvalidLog } from "./invalid-log.ts";

/** Most bytes of an entry: its length is a number of two bytes. */
export const MAX_ENTRY_BYTES = 65_535;

/**
 * An entry bundle of C2SP tlog-tiles: each entry with its length in two bytes, big-endian, in front.
 * @throws RangeError for an entry that is too long
 */
export function entryBundle(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concat(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES)
        throw new RangeError(`an entry has at most ${MAX_ENTRY_BYTES} bytes, not ${entry.length}`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** @throws InvalidLog("malformed_tile") unless the bytes are exactly `width` entries */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && entries.length < width) {
    const start = offset + 2;
    const end = start + (((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0));
    if (end > bytes.length) throw malformed("an entry ends after the bundle");
    entries.push(bytes.subarray(start, end));
    offset = end;
  }
  if (offset !== bytes.length || entries.length !== width)
    throw malformed(`it does not hold exactly ${width} entries`);
  return entries;
}

function malformed(detail: string): InvalidLog {
  return new InvalidLog("malformed_tile", `the entry bundle: ${detail}`);
}
