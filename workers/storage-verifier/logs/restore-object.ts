import { equalBytes } from "../../../shared/crypto/bytes.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { createOnly, replaceOnly } from "../../../shared/storage/r2-tier.ts";
import { MAX_ENTRY_BYTES } from "../../../shared/tlog/entries.ts";
import { TILE_WIDTH } from "../../../shared/tlog/tiles.ts";
import type { Env } from "../env.ts";
import type { ExpectedObject } from "./expected-objects.ts";

export type ObjectOutcome = "ok" | "restored" | "failed";

export interface LogVerification {
  readonly repair: boolean;
  readonly env: Env;
  readonly log: Log;
}

const MOST_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);

/**
 * Compares an object of a log with its expected bytes. With `repair`, a missing object is created, and a wrong one is kept as
 * evidence before it is replaced.
 * @param isRight accepts other bytes than the expected ones
 * @throws Error when another call changed the object meanwhile
 */
export async function restoreObject(
  { key, bytes }: ExpectedObject,
  { repair, env: { R2 }, log }: LogVerification,
  isRight: (stored: Uint8Array) => boolean | Promise<boolean> = () => false,
): Promise<ObjectOutcome> {
  const object = await R2.get(key);
  if (object !== null && object.size > MOST_BYTES) {
    await object.body.cancel();
    log.error("log.object_too_large", { key, bytes: object.size });
    return "failed";
  }
  const stored = object === null ? undefined : new Uint8Array(await object.arrayBuffer());
  if (stored && ((bytes && equalBytes(stored, bytes)) || (await isRight(stored)))) return "ok";
  const fault = stored === undefined ? "missing" : "corrupt";
  if (bytes === undefined || !repair) {
    log.error("log.object_failed", { key, fault: bytes === undefined ? "not_known" : fault });
    return "failed";
  }
  if (stored !== undefined && stored.length > 0)
    await createOnly(R2, r2Keys.logEvidence(key, await sha256HexOfFile(stored)), stored);
  const isPut =
    object === null ? await createOnly(R2, key, bytes) : await replaceOnly(R2, key, object.etag, bytes);
  if (!isPut) throw new Error(`R2 holds something else under ${key} by now: it is verified again`);
  log.warn("log.object_restored", { key, fault });
  return "restored";
}
