import { equalBytes, fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { createOnly, readObject } from "../../shared/storage/r2-tier.ts";
import { parseCheckpoint } from "../../shared/tlog/checkpoint.ts";
import { parseNote } from "../../shared/tlog/note.ts";
import { entriesPath, TILE_WIDTH, tilePath } from "../../shared/tlog/tiles.ts";
import type { FullBundle } from "./entry-bundles.ts";
import type { GrownLog } from "./grow-log.ts";

/**
 * Writes a log's new tiles and entry bundles, then its checkpoint under its size. Every object is created once and never changes, so a repeat
 * finds what it would write.
 * @param prefix of the log's keys in R2
 * @throws Permanent("forked") when R2 holds another tile, or a checkpoint of another tree
 */
export async function publishLog(
  bucket: R2Bucket,
  prefix: string,
  { size, tiles }: GrownLog,
  note: string,
  bundles: readonly FullBundle[] = [],
): Promise<void> {
  for (const tile of tiles) await createTile(bucket, `${prefix}${tilePath(tile)}`, tile.bytes);
  for (const { index, bytes } of bundles)
    await createTile(bucket, `${prefix}${entriesPath({ index, width: TILE_WIDTH })}`, bytes);
  const key = r2Keys.logCheckpoint(prefix, size);
  if (await createOnly(bucket, key, utf8(note))) return;
  const stored = await readObject(bucket, key);
  if (stored === undefined) throw new Error(`${key} exists and can't be read: retrying`);
  // After the log head lost its storage, an earlier note of the same tree may be there: it stays.
  if (!isOfSameTree(stored, note))
    throw new Permanent("forked", `R2 holds a checkpoint of another tree under ${key} than the one signed`);
}

async function createTile(bucket: R2Bucket, key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  if (await createOnly(bucket, key, bytes)) return;
  const stored = await readObject(bucket, key);
  if (stored === undefined) throw new Error(`${key} exists and can't be read: retrying`);
  if (!equalBytes(stored, bytes))
    throw new Permanent("forked", `R2 holds other bytes under ${key} than those of the chain`);
}

function isOfSameTree(stored: Uint8Array, note: string): boolean {
  try {
    const { text } = parseNote(fromUtf8(stored));
    parseCheckpoint(text);
    return text === parseNote(note).text;
  } catch {
    return false; // parsing is the check
  }
}
