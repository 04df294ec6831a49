import { chainHead } from "../../../shared/objects/chain-head.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { StorageRun } from "../../../shared/api/storage-report.ts";
import type { RestorePoint } from "../../chain-head/decisions/restore.ts";
import { storageRuns, type Env } from "../env.ts";
import { readExtent } from "../listing/extent.ts";
import { restoreErasures } from "./restore-erasures.ts";
import { findValidCopy } from "./find-valid-copy.ts";
import { enqueueNext } from "../runs/enqueue-next.ts";

const BLOCKS_A_CHUNK = 50;

export type RestoreAnswer =
  | { readonly started: StorageRun }
  | { readonly active: StorageRun }
  | { readonly refused: string };

/** Begins to rebuild a chain head that has lost its storage, from R2 and KV. */
export async function startRestore(by: string, env: Env, log: Log): Promise<RestoreAnswer> {
  const extent = await readExtent(env);
  if ("unclear" in extent) return { refused: extent.unclear };
  const totalBlocks = extent.highest + 1;
  if (totalBlocks === 0)
    return { refused: "Neither R2 nor KV holds a block. Bring the blocks first: vdc restore <file.car>" };
  if ((await chainHead(env).beginRestore()) === null)
    return {
      refused: "The chain head has its chain: there is nothing to restore. To mend the tiers, verify them",
    };
  const run = { id: crypto.randomUUID(), kind: "restore" as const, repair: true, by, totalBlocks };
  const answer = await storageRuns(env).start(run);
  if ("active" in answer) return answer;
  log.warn("run.started", { runId: run.id, kind: run.kind, totalBlocks });
  await enqueueNext(answer.started, env);
  return answer;
}

/**
 * Restores the next blocks in their order, each verified against all before it. The chain ends at a block that no place holds, if
 * no later block is known either. At a gap the run fails, and the chain stays closed.
 */
export async function restoreChunk(run: StorageRun, env: Env, log: Log): Promise<StorageRun> {
  let point: RestorePoint | null = await chainHead(env).beginRestore();
  if (point === null) return done(run, run.next, env, log); // this message came twice, or its Worker died at the very end
  if (!point.erasures.all) {
    point = await restoreErasures(point, env);
    return storageRuns(env).moveRestore(run.id, point.blockNumber);
  }
  for (let restored = 0; restored < BLOCKS_A_CHUNK; restored++) {
    const found = await findValidCopy(point, env);
    if ("faults" in found) return atEnd(run, point, found.faults, env, log);
    point = await chainHead(env).restoreBlock(found.block);
  }
  return storageRuns(env).moveRestore(run.id, point.blockNumber);
}

/**
 * Ends the run, because no place holds block `next`. The run fails if storage shows a later block. The extent is read anew,
 * because a run may be resumed long after it began.
 */
async function atEnd(
  run: StorageRun,
  { life, blockNumber: next }: RestorePoint,
  faults: string,
  env: Env,
  log: Log,
): Promise<StorageRun> {
  const moved = await storageRuns(env).moveRestore(run.id, next);
  if (moved.state !== "running") return moved; // an operator aborted the run: the chain stays closed
  const extent = await readExtent(env);
  if ("unclear" in extent) return failed(run, `${extent.unclear}.`, env);
  if (next <= extent.highest)
    return failed(
      run,
      `Block ${next} can't be restored (${faults}), and no later block without it; storage shows blocks up to ${extent.highest}. ` +
        "Bring it from an auditor's export: vdc restore <file.car>",
      env,
    );
  const { publishedThrough, staged } = extent;
  await chainHead(env).endRestore({ life, next, publishedThrough, staged });
  return done(run, next, env, log);
}

async function failed({ id }: StorageRun, message: string, env: Env): Promise<StorageRun> {
  return known(await storageRuns(env).end(id, "failed", message));
}

/** Ends the restore and starts a verification, which restores KV, the index and the pins from sound copies. */
async function done({ id, by }: StorageRun, totalBlocks: number, env: Env, log: Log): Promise<StorageRun> {
  const verification = { id: crypto.randomUUID(), kind: "verify" as const, repair: true, by, totalBlocks };
  if (await storageRuns(env).endRestore(id, verification)) {
    log.warn("chain.restored", { runId: id, blocks: totalBlocks, verification: verification.id });
    await enqueueNext(known(await storageRuns(env).find(verification.id)), env);
  }
  return known(await storageRuns(env).find(id));
}

function known(run: StorageRun | null): StorageRun {
  if (run === null) throw new Error("the run is not known any more");
  return run;
}
