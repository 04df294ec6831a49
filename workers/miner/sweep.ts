import { chainHead } from "../../shared/objects/chain-head.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys, txIdOfPendingKey, txIdOfSetAsideKey } from "../../shared/storage/layout.ts";
import { chunks, mapConnections } from "../../shared/storage/limits.ts";
import { pendingDetails, readPendingMetadata } from "../../shared/storage/pending.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import { sweepNext, type SweptFolder } from "../../shared/operations/sweep.ts";
import type { Admission } from "../chain-head/decisions/admit.ts";
import type { Env } from "./env.ts";

interface Folder extends SweptFolder {
  readonly txIdOf: (key: string) => string | undefined;
}

/** `set-aside/` holds something new to the chain head only after it lost its storage, so the sweep reads it more slowly. */
const FOLDERS: readonly Folder[] = [
  { name: "pending", prefix: r2Keys.pendingPrefix, txIdOf: txIdOfPendingKey, atOnce: 1_000 },
  { name: "setAside", prefix: r2Keys.setAsidePrefix, txIdOf: txIdOfSetAsideKey, atOnce: 200 },
];

const ADMIT_AT_ONCE = 500;
/**
 * Limit for one run: each move is a read and a write of R2, and an invocation may make only so many calls. Later runs move the
 * rest.
 */
const MOVE_AT_ONCE = 200;

/**
 * Admits the next objects of `pending/` and `set-aside/`: a crash may have left one unadmitted, and every stored transaction must
 * be mined. Each run continues where the last one stopped, so its work does not grow with the number of objects. Deletes objects
 * of finished blocks, and moves those of set-aside transactions out of `pending/`.
 */
export async function sweepPending(env: Env, log: Log): Promise<void> {
  const places = await chainHead(env).sweepPlaces();
  for (const folder of FOLDERS)
    await sweepNext(folder, places[folder.name], env, (objects) => admitListed(folder, objects, env, log));
}

async function admitListed(folder: Folder, objects: readonly R2Object[], env: Env, log: Log): Promise<void> {
  // After the chain head has lost its storage, objects are admitted in the order of upload, as far as one list call shows it.
  const oldestFirst = objects.toSorted((a, b) => a.uploaded.getTime() - b.uploaded.getTime());
  const entries = oldestFirst.flatMap((object) => {
    const txId = folder.txIdOf(object.key);
    const facts = readPendingMetadata(object.customMetadata);
    if (txId !== undefined && facts !== undefined)
      return [{ txId, key: object.key, envelopeSize: object.size, ...facts }];
    log.warn("sweep.foreign_object", { key: object.key });
    return [];
  });
  for (const chunk of chunks(entries, ADMIT_AT_ONCE)) {
    const { results } = await chainHead(env).admit(
      chunk.map((entry) => ({
        txId: entry.txId,
        envelopeSize: entry.envelopeSize,
        ...pendingDetails(entry),
      })),
    );
    const those = (which: Admission) => chunk.filter((_, i) => results[i] === which);
    const leftOver = those("finished").map(({ key }) => key);
    if (leftOver.length > 0) await env.R2.delete(leftOver);
    const admitted = those("admitted").length;
    const setAside = folder.name === "pending" ? those("set_aside").map(({ txId }) => txId) : [];
    const moved = await moveAside(setAside.slice(0, MOVE_AT_ONCE), env);
    if (admitted + leftOver.length + moved > 0)
      log.warn("sweep.mended", { admitted, leftOver: leftOver.length, moved });
  }
}

/**
 * Copies first, asks the chain head second, deletes last. If it stops anywhere, one of the two objects is there, and the chain
 * head has said which one is valid. An envelope that is already in `set-aside/` stays, because it came first.
 */
async function moveAside(txIds: readonly string[], env: Env): Promise<number> {
  if (txIds.length === 0) return 0;
  const copied = await mapConnections(txIds, async (txId) => {
    const object = await env.R2.get(r2Keys.pending(txId));
    if (object === null) return [];
    const bytes = new Uint8Array(await object.arrayBuffer());
    await createOnly(env.R2, r2Keys.setAside(txId), bytes, object.customMetadata);
    return [txId];
  });
  const moved = await chainHead(env).noteMoved(copied.flat());
  if (moved.length > 0) await env.R2.delete(moved.map((txId) => r2Keys.pending(txId)));
  return moved.length;
}
