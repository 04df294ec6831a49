import { InvalidBlock, readBlock } from "../../shared/chain/block.ts";
import type { LedgerKeys } from "../../shared/chain/ledger.ts";
import type { RestoredBlock } from "../../shared/chain/reservation.ts";
import { chainHead } from "../../shared/chain-head.ts";
import { errorText } from "../../shared/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import { tiersOf } from "../../shared/storage/tiers.ts";
import type { RestorePoint } from "../chain-head/restore.ts";
import type { Env } from "./env.ts";
import { keepEvidence } from "./evidence.ts";
import { restoredBlock } from "./restored-block.ts";

/** `faults`: what was found instead of a sound copy, in each place. */
export type Found = { readonly block: RestoredBlock } | { readonly faults: string };

interface Copy {
  readonly place: "r2" | "kv" | "staging";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface SoundCopy extends Copy {
  readonly block: RestoredBlock;
}

/**
 * The block that comes next, verified against all before it: from R2, then KV, then from staging, where a block that
 * was signed waits until it is in every tier. One that R2 lacks is archived first, for the stages read from there.
 * @throws what a tier that can't be read throws
 */
export async function soundCopy(point: RestorePoint, env: Env): Promise<Found> {
  const { blockNumber } = point;
  const { r2, kv } = tiersOf(env);
  const locator = { blockNumber, cid: "", hash: "" };
  const faults: string[] = [];

  const archived = (await r2.read(locator)).bytes;
  const fromR2 = await verified("r2", archived, point, env, faults);
  if (fromR2 !== undefined && blockNumber > 0) return fromR2;

  const fromKv = await verified("kv", (await kv.read(locator)).bytes, point, env, faults);
  // Genesis alone vouches for itself, so two of them are two chains, and nothing here tells which is meant.
  if (fromR2 && fromKv && fromR2.block.hash !== fromKv.block.hash)
    return {
      faults: `R2 holds the genesis ${fromR2.block.hash}, KV the genesis ${fromKv.block.hash}: two chains. Take the blocks of the foreign one away, then restore again`,
    };
  const sound = fromR2 ?? fromKv ?? (await fromStaging(point, env, faults));
  if (sound === undefined) return { faults: faults.join("; ") };
  if (sound.place !== "r2") {
    if (archived !== undefined) await keepEvidence(blockNumber, "r2", archived, env);
    await r2.replace({ block: readBlock(sound.bytes), bytes: sound.bytes, cid: sound.block.ipfsHash });
  }
  return sound;
}

async function verified(
  place: Copy["place"],
  bytes: Uint8Array<ArrayBuffer> | undefined,
  point: RestorePoint,
  env: Env,
  faults: string[],
): Promise<SoundCopy | undefined> {
  if (bytes === undefined) {
    faults.push(`${place}: missing`);
    return undefined;
  }
  try {
    const readLedger = async (keys: LedgerKeys) => chainHead(env).ledger(keys);
    return { place, bytes, block: await restoredBlock(bytes, env.CHAIN_ID, point, readLedger) };
  } catch (error) {
    if (!(error instanceof InvalidBlock)) throw error;
    faults.push(`${place}: ${errorText(error)}`);
    return undefined;
  }
}

/** Several attempts may have been signed: then the one that the block after it names, and otherwise the first. */
async function fromStaging(point: RestorePoint, env: Env, faults: string[]): Promise<SoundCopy | undefined> {
  const sound: SoundCopy[] = [];
  for (const bytes of await stagedBytes(point.blockNumber, env)) {
    const copy = await verified("staging", bytes, point, env, faults);
    if (copy !== undefined) sound.push(copy);
  }
  if (sound.length < 2) return sound[0];
  const named = await predecessorsNamed(point.blockNumber + 1, env);
  return sound.find(({ block }) => named.includes(block.hash)) ?? sound[0];
}

/** What the copies of a block, wherever they are, say that the hash of the block before is. */
async function predecessorsNamed(blockNumber: number, env: Env): Promise<readonly string[]> {
  const archived = await readObject(env.R2, r2Keys.block(blockNumber));
  const copies = [...(archived === undefined ? [] : [archived]), ...(await stagedBytes(blockNumber, env))];
  return copies.flatMap((bytes) => {
    try {
      return readBlock(bytes).previousHash;
    } catch (error) {
      if (!(error instanceof InvalidBlock)) throw error;
      return [];
    }
  });
}

/** In the order in which they were staged. */
async function stagedBytes(blockNumber: number, { R2 }: Env): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { objects } = await R2.list({ prefix: r2Keys.sealedPrefix(blockNumber) });
  const staged: Uint8Array<ArrayBuffer>[] = [];
  for (const { key } of objects.toSorted((a, b) => a.uploaded.getTime() - b.uploaded.getTime())) {
    const bytes = await readObject(R2, key);
    if (bytes !== undefined) staged.push(bytes);
  }
  return staged;
}
