import { InvalidBlock, readBlock } from "../../../shared/chain/block.ts";
import type { LedgerKeys } from "../../../shared/chain/ledger.ts";
import type { RestoredBlock } from "../../../shared/chain/reservation.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { reasonText } from "../../../shared/schema/reason-text.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { archiveInstead, readObject } from "../../../shared/storage/r2-tier.ts";
import { tiersOf } from "../../../shared/storage/tiers.ts";
import type { RestorePoint } from "../../chain-head/decisions/restore.ts";
import type { Env } from "../env.ts";
import { keepEvidence } from "../verify/evidence.ts";
import { restoredBlock } from "./restored-block.ts";
import { stagedAttempts, type StagedAttempt } from "./staged-attempts.ts";

/** `faults`: the fault in each place, when no place holds a sound copy. */
export type CopySearch = { readonly block: RestoredBlock } | { readonly faults: string };

interface Copy {
  readonly place: "r2" | "kv" | "staging";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface SoundCopy extends Copy {
  readonly block: RestoredBlock;
}

const MOST_TRIES = 5;

/**
 * Finds the next block and verifies it against all before it: in R2, then KV, then in staging, where a signed block waits until
 * it is in every tier. A block that R2 lacks is archived first, because the stages read it there. The archive is written only if
 * R2 still holds what was read, because a Worker of an earlier life may archive the block at the same moment. If R2 has changed,
 * the search begins again.
 * @throws the error of a tier that can't be read
 */
export async function findValidCopy(point: RestorePoint, env: Env): Promise<CopySearch> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const found = await foundNow(point, env);
    if (found !== "changed") return found;
  }
  throw new Error(`${r2Keys.block(point.blockNumber)} is changed all the time: try again`);
}

async function foundNow(point: RestorePoint, env: Env): Promise<CopySearch | "changed"> {
  const { blockNumber } = point;
  const faults: string[] = [];

  const object = await env.R2.get(r2Keys.block(blockNumber));
  const archived = object === null ? undefined : new Uint8Array(await object.arrayBuffer());
  const fromR2 = await verified("r2", archived, point, env, faults);
  if (fromR2 !== undefined && blockNumber > 0) return fromR2;

  const holding = await tiersOf(env).kv.read({ blockNumber, cid: "", hash: "" });
  const fromKv = await verified("kv", holding.bytes, point, env, faults);
  // Only genesis vouches for itself. Two different ones are two chains, and nothing here tells which one is meant.
  if (fromR2 && fromKv && fromR2.block.hash !== fromKv.block.hash)
    return {
      faults: `R2 holds the genesis ${fromR2.block.hash}, KV the genesis ${fromKv.block.hash}: two chains. Take the blocks of the foreign one away, then restore again`,
    };
  const sound = fromR2 ?? fromKv ?? (await fromStaging(point, env, faults));
  if (sound === undefined) return { faults: faults.join("; ") };
  if (sound.place === "r2") return sound;
  if (archived !== undefined) await keepEvidence(blockNumber, "r2", archived, env);
  return (await archiveInstead(env.R2, blockNumber, object?.etag, sound.bytes)) ? sound : "changed";
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
    faults.push(`${place}: ${reasonText(error)}`);
    return undefined;
  }
}

/**
 * Finds the attempt that the next block names, or else the first that verifies and holds no erased transaction. An attempt that
 * holds one was never sealed: a miner staged it before the transaction was set aside and then erased. A copy that an operator
 * supplied was published, so it is taken whatever it holds.
 */
async function fromStaging(point: RestorePoint, env: Env, faults: string[]): Promise<SoundCopy | undefined> {
  const named = await predecessorsNamed(point.blockNumber + 1, env);
  const unnamed: (SoundCopy & StagedAttempt)[] = [];
  for (const attempt of await stagedAttempts(point.blockNumber, env)) {
    const copy = await verified("staging", await readObject(env.R2, attempt.key), point, env, faults);
    if (copy === undefined) continue;
    if (named.includes(copy.block.cid)) return copy;
    unnamed.push({ ...copy, ...attempt });
  }
  for (const { key, from, ...copy } of unnamed) {
    const txIds = copy.block.transactions.map(({ txId }) => txId);
    if (from === undefined || (await chainHead(env).erasedAmong(txIds)).length === 0) return copy;
    await env.R2.delete(key); // so that it does not count as a block that must still be restored
    faults.push("staging: an attempt that was never sealed, because it holds an erased transaction");
  }
  return undefined;
}

/** Reads the copies of a block in all places, and returns the CIDs that they name for the block before. */
async function predecessorsNamed(blockNumber: number, env: Env): Promise<readonly string[]> {
  const keys = [r2Keys.block(blockNumber), ...(await stagedAttempts(blockNumber, env)).map(({ key }) => key)];
  const named: string[] = [];
  for (const key of keys) {
    const bytes = await readObject(env.R2, key);
    if (bytes !== undefined) named.push(...previousCidIn(bytes));
  }
  return named;
}

function previousCidIn(bytes: Uint8Array<ArrayBuffer>): readonly string[] {
  try {
    const { previousCid } = readBlock(bytes);
    return previousCid === null ? [] : [previousCid];
  } catch (error) {
    if (!(error instanceof InvalidBlock)) throw error;
    return [];
  }
}
