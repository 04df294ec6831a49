import {
  checkContents,
  checkTransactions,
  InvalidBlock,
  readBlock,
  type Block,
} from "../../../shared/chain/block.ts";
import { reached } from "../../../shared/chain/states.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { Permanent } from "../../../shared/runtime/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { createOnly } from "../../../shared/storage/r2-tier.ts";
import type { BlockReport } from "../../../shared/api/storage-report.ts";
import type { BlockCopy } from "../../../shared/storage/tier.ts";
import { tiersOf } from "../../../shared/storage/tiers.ts";
import { recordReports } from "./record-reports.ts";
import type { Env } from "../env.ts";
import { knownBlock, readChain } from "./known-blocks.ts";
import { verifyStoredBlock } from "./verify-block.ts";

/** `invalid`: the bytes are not that block · `refused`: the chain head does not need or accept them now. */
export type CopyAnswer =
  | { readonly report: BlockReport }
  | { readonly archived: true }
  | { readonly invalid: string }
  | { readonly refused: string };

/**
 * Accepts a supplied copy of a block, for example from an auditor's export. If the chain head knows the block, the copy must be
 * the very bytes that it sealed, and every tier is restored from them. While the chain head has lost its chain, the copy is
 * archived; the restore of the chain head verifies it later, link by link.
 */
export async function acceptCopy(
  blockNumber: number,
  bytes: Uint8Array<ArrayBuffer>,
  env: Env,
  log: Log,
): Promise<CopyAnswer> {
  const block = await readCopy(blockNumber, bytes, env);
  if (typeof block === "string") return { invalid: block };
  const facts = await chainHead(env).block(blockNumber);
  if (facts !== null) {
    if (!reached(facts.state, "persisted"))
      return { refused: `Block ${blockNumber} is ${facts.state}: it is being stored, and needs no copy` };
    const known = knownBlock(facts);
    if ((await sha256HexOfFile(bytes)) !== known.sha256)
      return { invalid: `these are not the bytes that were sealed as block ${blockNumber}` };
    const chain = await readChain(env);
    const tiers = tiersOf(env);
    const copy = { block, bytes, cid: known.cid };
    const report = await verifyStoredBlock(
      known,
      { chain, tiers, repair: true, longestWaitSeconds: 0, env, log },
      copy,
    );
    await recordReports([report], true, env);
    return { report };
  }
  const { genesisHash, restoring } = await chainHead(env).head();
  if (genesisHash !== null && !restoring)
    return { refused: `The chain head has its chain, and no block ${blockNumber} in it` };
  return archive({ block, bytes, cid: await cidV0(bytes) }, env);
}

async function readCopy(
  blockNumber: number,
  bytes: Uint8Array<ArrayBuffer>,
  env: Env,
): Promise<Block | string> {
  try {
    const block = readBlock(bytes);
    checkContents(block);
    await checkTransactions(block);
    if (block.blockNumber !== blockNumber) return `this is block ${block.blockNumber}, not ${blockNumber}`;
    if (block.chainId !== env.CHAIN_ID)
      return `this is a block of chain ${block.chainId}, not ${env.CHAIN_ID}`;
    return block;
  } catch (error) {
    if (!(error instanceof InvalidBlock)) throw error;
    return `${error.fault}: ${error.message.slice(0, 200)}`;
  }
}

/**
 * Archives the copy. If R2 holds other bytes, which may be wrong, it keeps both: the restore takes those that fit into the chain.
 */
async function archive(copy: BlockCopy, env: Env): Promise<CopyAnswer> {
  try {
    await tiersOf(env).r2.store(copy);
  } catch (error) {
    if (!(error instanceof Permanent)) throw error;
    const { block, bytes } = copy;
    const key = r2Keys.sealed(block.blockNumber, await sha256HexOfFile(bytes));
    await createOnly(env.R2, key, bytes);
  }
  return { archived: true };
}
