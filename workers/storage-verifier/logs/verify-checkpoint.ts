import { equalBytes, fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { logHead } from "../../../shared/objects/log-head.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import { parseCheckpoint } from "../../../shared/tlog/checkpoint.ts";
import { InvalidLog } from "../../../shared/tlog/invalid-log.ts";
import { parseNote } from "../../../shared/tlog/note.ts";
import { openCheckpoint } from "../../../shared/tlog/open-checkpoint.ts";
import { TileTree } from "../../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../../shared/tlog/tiles.ts";
import { parseVkey } from "../../../shared/tlog/vkey.ts";
import type { LogName } from "../../checkpointer/log-head/cosignatures.ts";
import { prefixOf } from "./expected-objects.ts";
import type { LogExtent } from "./log-plan.ts";
import { restoreObject, type LogVerification, type ObjectOutcome } from "./restore-object.ts";

/**
 * Verifies that the tiles in R2 lead to the root of the shown checkpoint, and that R2 holds this checkpoint in the history. A
 * checkpoint is put back only when the tiles lead to its root. An earlier note of the same tree stays, if the log signed it.
 */
export async function verifyCheckpoint(
  name: LogName,
  { size, note }: LogExtent,
  verification: LogVerification,
): Promise<ObjectOutcome> {
  const { env, log } = verification;
  const { text } = parseNote(note);
  const signed = parseCheckpoint(text);
  const root = await rootOf(prefixOf(name), size, env.R2);
  if (root === undefined || !equalBytes(root, signed.root)) {
    log.error("log.wrong_root", { log: name, size, fault: root === undefined ? "unknown" : "differs" });
    return "failed";
  }
  const { endorsements } = await logHead(env).facts();
  const keys = endorsements.flatMap(({ vkeys }) => vkeys).map(parseVkey);
  const isRight = async (stored: Uint8Array) => {
    try {
      return (await openCheckpoint(fromUtf8(stored), keys)).note.text === text;
    } catch (error) {
      if (error instanceof InvalidLog || error instanceof TypeError) return false; // parsing is the check
      throw error;
    }
  };
  return restoreObject(
    { key: r2Keys.logCheckpoint(prefixOf(name), size), bytes: utf8(note) },
    verification,
    isRight,
  );
}

class MissingTile extends Error {}

/** `undefined` when R2 lacks a tile at the end of the tree, or it has another length. */
async function rootOf(prefix: string, size: number, bucket: R2Bucket): Promise<Uint8Array | undefined> {
  const tree = new TileTree(size, async (tile) => {
    const bytes = await readObject(bucket, `${prefix}${tilePath(tile)}`);
    if (bytes === undefined) throw new MissingTile(tilePath(tile));
    return bytes;
  });
  try {
    return await tree.root();
  } catch (error) {
    if (error instanceof MissingTile || error instanceof InvalidLog) return undefined;
    throw error;
  }
}
