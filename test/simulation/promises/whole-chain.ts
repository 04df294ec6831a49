import type { AssetRecord } from "../../../shared/operations/block-index.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { isSystems } from "../../../shared/chain/system-transactions.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { ledgerKeysOf } from "../../../shared/chain/ledger.ts";
import type { Transaction } from "../../../shared/chain/transaction.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import { checkErased } from "./erased.ts";
import { checkPinnedDocuments } from "./documents.ts";
import { checkLogs } from "./logs.ts";
import type { Mined } from "./mined.ts";
import { checkUnpaid } from "./paid.ts";
import type { Promised } from "./promised.ts";
import { checkRegistered } from "./registered.ts";

/** Holds at rest: verifies the whole chain in every tier, as a stranger would, and compares it with the promises. */
export async function checkWholeChain(stack: Stack, promised: Promised): Promise<void> {
  const { kv, r2, pinning, world } = stack;
  const verifier = new ChainVerifier();
  const mined = new Map<string, { blockNumber: number; transaction: Transaction }>();
  const blocks = r2.keys(r2Keys.blockPrefix).length;
  const verified: Block[] = [];
  for (let n = 0; n < blocks; n++) {
    const bytes = r2.truth(r2Keys.block(n))?.bytes;
    if (bytes === undefined) {
      world.broken("3 one block per height", `there are ${blocks} blocks in R2, and no block ${n}`);
      return;
    }
    let block: Block;
    try {
      block = await verifier.add(bytes);
    } catch (error) {
      world.broken("6 nothing fake", `block ${n} does not verify: ${String(error)}`);
      return;
    }
    verified.push(block);
    const record = JSON.parse(kv.truth(kvKeys.block(n)) ?? "null") as
      | (Block & Record<string, unknown>)
      | null;
    const cid = await cidV0(bytes);
    if (record === null || !Buffer.from(blockBytes(blockIn(record))).equals(bytes))
      world.broken("6 nothing fake", `KV's block ${n} is not R2's`);
    else if (record.ipfsHash !== cid)
      world.broken("6 nothing fake", `KV names ${String(record.ipfsHash)} for ${cid}`);
    const pinned = pinning.truth(cid);
    if (pinned === undefined || !Buffer.from(pinned).equals(bytes))
      world.broken("6 nothing fake", `IPFS does not have block ${n}`);
    for (const [index, transaction] of block.transactions.entries()) {
      const { id } = transaction;
      mined.set(id, { blockNumber: n, transaction });
      if (!isSystems(transaction) && !promised.wasOffered(id))
        world.broken("6 nothing fake", `nobody sent ${id} in block ${n}`);
      const place = JSON.parse(kv.truth(kvKeys.transaction(id)) ?? "null") as {
        blockNumber: number;
        index: number;
      } | null;
      if (place?.blockNumber !== n || place.index !== index)
        world.broken(
          "the index is true",
          `${id} is in block ${n} at ${index}; KV says ${JSON.stringify(place)}`,
        );
      const documentHash = transaction.type === "asset_creation" ? transaction.data.documentHash : undefined;
      if (
        documentHash !== undefined &&
        kv.truth(kvKeys.documentEntry(documentHash, n, index)) !== transaction.id
      )
        world.broken("the index is true", `${id} of block ${n} is not in KV by its document's hash`);
    }
  }
  await checkLogs(stack, verified);
  checkIndexed(stack, mined);
  checkArchive(stack, promised, mined);
  checkErased(stack, promised, mined);
  checkUnpaid(stack, promised, mined);
  checkRegistered(stack, promised, mined);
  checkPinnedDocuments(stack, promised);
  for (const txId of promised.transactions) {
    if (mined.has(txId) || promised.refusals.has(txId)) continue;
    const reason = setAsideFor(stack, txId);
    if (reason === undefined || !promised.mayBeSetAside(txId, reason))
      world.broken(
        "1 nothing is lost",
        `${txId}, of ${promised.originOf(txId)}, is in no block (set aside: ${reason})`,
      );
  }
  const waiting = [r2Keys.pendingPrefix, r2Keys.setAsidePrefix]
    .flatMap((prefix) => r2.keys(prefix))
    .filter((key) => mined.has(/vdc_tx_\w+/.exec(key)?.[0] ?? ""));
  if (waiting.length > 0) world.broken("everything is tidied up", `left in pending: ${waiting.join(", ")}`);
  const staged = r2.keys(r2Keys.allSealedPrefix);
  if (staged.length > 0) world.broken("everything is tidied up", `left in sealed: ${staged.join(", ")}`);
}

/**
 * Checks that each asset's record names the last block about the asset, and that the count of pending transactions is
 * 0.
 */
function checkIndexed({ kv, world }: Stack, mined: Mined): void {
  const lastBlocks = new Map<string, number>();
  for (const { blockNumber, transaction } of mined.values())
    for (const assetId of ledgerKeysOf([transaction]).assetIds) lastBlocks.set(assetId, blockNumber);
  for (const [assetId, blockNumber] of lastBlocks) {
    const record = JSON.parse(kv.truth(kvKeys.asset(assetId)) ?? "{}") as Partial<AssetRecord>;
    if (record.vdcBlockNumber !== blockNumber)
      world.broken(
        "the index is true",
        `the last block about ${assetId} is ${blockNumber}; KV says ${record.vdcBlockNumber}`,
      );
  }
  const count = kv.truth(kvKeys.pendingCount) ?? (mined.size === 0 ? "0" : "nothing");
  if (count !== "0") world.broken("the index is true", `nothing waits, and KV says ${count}`);
}

/** Checks that the holder of the key can still open the envelope of each transaction. */
function checkArchive(stack: Stack, promised: Promised, mined: Mined): void {
  for (const [txId, { blockNumber: n }] of mined) {
    if (!promised.wasOffered(txId) || promised.mayBeErased(txId)) continue;
    const archived = stack.r2.truth(r2Keys.private(n))?.bytes;
    const { envelopes = {} } = JSON.parse(archived ? Buffer.from(archived).toString() : "{}") as {
      envelopes?: Record<string, unknown>;
    };
    if (envelopes[txId] === undefined)
      stack.world.broken(
        "4 persist first, clear last",
        `the private part of ${txId} is not in ${r2Keys.private(n)}`,
      );
  }
}

function blockIn(record: Block & Record<string, unknown>): Block {
  const { ipfsHash: _, ipfsGatewayUrl: __, storage: ___, ...block } = record;
  return block;
}

function setAsideFor(stack: Stack, txId: string): string | undefined {
  const head = stack.object("ChainHead", stack.chainId);
  const [row] = head.rows<{ state: string; reason: string }>(
    `SELECT state, reason FROM tx WHERE id = '${txId}'`,
  );
  return row?.state === "set_aside" ? row.reason : undefined;
}
