import * as v from "valibot";
import { BlockNumber, InvalidBlock, readBlock } from "../../shared/chain/block.ts";
import type { RestoredBlock } from "../../shared/chain/reservation.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { errorText, type Log } from "../../shared/log.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { StorageRun } from "../../shared/storage/report.ts";
import { tiersOf } from "../../shared/storage/tiers.ts";
import type { RestorePoint } from "../chain-head/restore.ts";
import { storageRuns, type Env } from "./env.ts";
import { keepEvidence } from "./evidence.ts";
import { restoredBlock } from "./restored-block.ts";
import { listAll } from "./status.ts";
import { verifyAll } from "./verify-all.ts";

const BLOCKS_A_CHUNK = 50;

export type RestoreAnswer =
  | { readonly started: StorageRun }
  | { readonly active: StorageRun }
  | { readonly refused: string };

/** Begins to rebuild a chain head that has lost its storage, from R2 and KV. */
export async function startRestore(by: string, env: Env, log: Log): Promise<RestoreAnswer> {
  const totalBlocks = (await highestKnown(env)) + 1;
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
  await env.STORAGE_VERIFIER_QUEUE.send({ v: 1, kind: "chunk", runId: run.id, from: 0 });
  return answer;
}

/** The next blocks, in their order, each verified against all before it. A gap ends the run: the chain stays closed. */
export async function restoreChunk(run: StorageRun, env: Env, log: Log): Promise<StorageRun> {
  let point = await chainHead(env).beginRestore();
  if (point === null) return ended(run, "failed", "The chain head has a chain of its own by now.");
  const end = Math.min(point.blockNumber + BLOCKS_A_CHUNK, run.totalBlocks);
  while (point.blockNumber < end) {
    const found = await soundCopy(point, env);
    if ("faults" in found)
      return ended(
        run,
        "failed",
        `Block ${point.blockNumber} can't be restored (${found.faults}), and without it none after it. ` +
          "Bring it from an auditor's export: vdc restore <file.car>",
      );
    point = await chainHead(env).restoreBlock(found.block);
  }
  if (point.blockNumber < run.totalBlocks) return storageRuns(env).moveRestore(run.id, point.blockNumber);
  await restoreStaged(point, env, log);
  await chainHead(env).endRestore(await publishedThrough(env));
  log.warn("chain.restored", { runId: run.id, blocks: point.blockNumber });
  const done = await ended(run, "done", null);
  await verifyAll({ repair: true, by: run.by }, env, log); // KV, its index and the pins, from what is sound
  return done;

  async function ended(
    { id, next }: StorageRun,
    state: "done" | "failed",
    message: string | null,
  ): Promise<StorageRun> {
    await storageRuns(env).moveRestore(id, Math.max(next, point?.blockNumber ?? 0));
    const after = await storageRuns(env).end(id, state, message);
    if (after === null) throw new Error(`run ${id} is not known any more`);
    return after;
  }
}

type Found = { readonly block: RestoredBlock } | { readonly faults: string };

/** From R2, then KV. What KV alone has is archived first, for the stages read from there. @throws what a tier that can't be read throws */
async function soundCopy(point: RestorePoint, env: Env): Promise<Found> {
  const { blockNumber } = point;
  const { r2, kv } = tiersOf(env);
  const faults: string[] = [];
  let archived: Uint8Array<ArrayBuffer> | undefined;
  for (const tier of [r2, kv]) {
    const { bytes } = await tier.read({ blockNumber, cid: "", hash: "" });
    if (bytes === undefined) {
      faults.push(`${tier.name}: missing`);
      continue;
    }
    try {
      const block = await restoredBlock(bytes, env.CHAIN_ID, point);
      if (tier === kv) {
        if (archived !== undefined) await keepEvidence(blockNumber, "r2", archived, env);
        await r2.replace({ block: readBlock(bytes), bytes, cid: block.ipfsHash });
      }
      return { block };
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error;
      if (tier === r2) archived = bytes;
      faults.push(`${tier.name}: ${errorText(error)}`);
    }
  }
  return { faults: faults.join("; ") };
}

/** Blocks that were signed but not in any tier yet: the bytes stay what they were, for none is ever signed twice. */
async function restoreStaged(from: RestorePoint, env: Env, log: Log): Promise<void> {
  let point = from;
  for (;;) {
    const block = await stagedBlock(point, env);
    if (block === undefined) return;
    log.warn("block.restored_from_staging", { blockNumber: block.blockNumber, hash: block.hash });
    point = await chainHead(env).restoreBlock(block);
  }
}

async function stagedBlock(point: RestorePoint, env: Env): Promise<RestoredBlock | undefined> {
  const { objects } = await env.R2.list({ prefix: r2Keys.sealedPrefix(point.blockNumber) });
  for (const { key } of objects.toSorted((a, b) => a.uploaded.getTime() - b.uploaded.getTime())) {
    const bytes = await readObject(env.R2, key);
    if (bytes === undefined) continue;
    try {
      return await restoredBlock(bytes, env.CHAIN_ID, point);
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error; // one that does not fit here was never sealed
    }
  }
  return undefined;
}

const Latest = v.object({ blockNumber: BlockNumber });

/** What `vdc:latest` names, -1 when it names nothing. */
async function publishedThrough(env: Env): Promise<number> {
  const latest = v.safeParse(Latest, await env.KV.get(kvKeys.latest, "json"));
  return latest.success ? latest.output.blockNumber : -1;
}

async function highestKnown(env: Env): Promise<number> {
  const [{ kv, r2 }, published] = await Promise.all([listAll(env), publishedThrough(env)]);
  return [...kv.keys(), ...r2].reduce((highest, number) => Math.max(highest, number), published);
}
