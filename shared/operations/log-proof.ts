import { inclusionProof, leafHash } from "../chain/merkle.ts";
import { transactionBytes } from "../chain/transaction.ts";
import type { Block, Header } from "../chain/block.ts";
import { base64url, hex } from "../crypto/bytes.ts";
import { mapConnections } from "../storage/limits.ts";
import { readObject } from "../storage/r2-tier.ts";
import type { LogEndorsement } from "../tlog/endorsement.ts";
import { TileTree, type TileReader } from "../tlog/tile-tree.ts";
import { HASH_BYTES, TILE_WIDTH, tilePath } from "../tlog/tiles.ts";
import type { TlogProof } from "../tlog/tlog-proof.ts";
import type { KeyStatement, VdcProof } from "../verify/bundle.ts";

/** R2 lacks a tile of a published tree. The storage verifier rebuilds it. */
export class MissingTile extends Error {
  override readonly name = "MissingTile";
}

/**
 * Reads stored tiles of a log. A partial tile may be gone once its full tile is there, which begins with the same hashes.
 * @param prefix of the log's keys in R2
 * @throws MissingTile
 */
export function tileReader(bucket: R2Bucket, prefix: string): TileReader {
  return async (tile) => {
    const key = `${prefix}${tilePath(tile)}`;
    const exact = await readObject(bucket, key);
    if (exact !== undefined) return exact;
    const full =
      tile.width < TILE_WIDTH
        ? await readObject(bucket, `${prefix}${tilePath({ ...tile, width: TILE_WIDTH })}`)
        : undefined;
    if (full === undefined) throw new MissingTile(`R2 has no ${key}`);
    return full.subarray(0, tile.width * HASH_BYTES);
  };
}

/** The two notes that were signed together. */
export interface NotePair {
  /** Number of blocks. */
  readonly size: number;
  /** Number of transactions. */
  readonly entries: number;
  readonly blocks: string;
  readonly transactions: string;
}

/**
 * Chooses the checkpoint of a proof: the newest that the witnesses' quorum cosigned where it covers the block, else the newest.
 * `undefined`: no checkpoint covers the block yet.
 */
export function coveringPair<Pair extends NotePair>(
  blockNumber: number,
  { cosigned, shown }: { readonly cosigned: Pair | null; readonly shown: Pair | null },
): Pair | undefined {
  return [cosigned, shown].find((pair) => pair !== null && pair.size > blockNumber) ?? undefined;
}

/** A place in the chain. */
export interface EntryPlace {
  readonly blockNumber: number;
  /** Index of the transaction in its block. */
  readonly index: number;
  /** Index of the block's first transaction among all transactions of the chain. */
  readonly firstEntry: number;
}

/**
 * Proves a transaction in the log of transactions: C2SP tlog-proof. Reads a number of tiles that is logarithmic in the log's
 * size.
 * @param read reads the tiles of the log of transactions
 */
export async function transactionProof(
  read: TileReader,
  { index, firstEntry }: EntryPlace,
  pair: NotePair,
): Promise<TlogProof> {
  const entry = firstEntry + index;
  const path = await new TileTree(pair.entries, read).inclusionProof(entry);
  return { index: entry, path, checkpoint: pair.transactions };
}

/** A published block with the CID under which IPFS has it. */
export interface PlacedBlock {
  readonly block: Block;
  readonly cid: string;
}

/** A time stamp of a checkpoint of the log of blocks. */
export interface StampedCheckpoint {
  readonly authority: string;
  /** Number of blocks of the checkpoint. */
  readonly size: number;
  readonly checkpoint: string;
  /** RFC 3161 token. */
  readonly token: Uint8Array;
}

/** The parts of a bundle that were read from the chain head and the log head. */
export interface BundleParts extends EntryPlace {
  readonly chainId: string;
  readonly genesisHash: string;
  readonly placed: PlacedBlock;
  readonly pair: NotePair;
  readonly logKeys: readonly LogEndorsement[];
  /** Numbers of the blocks that announce or revoke a signing key. */
  readonly keyBlocks: readonly number[];
  readonly stamps: readonly StampedCheckpoint[];
}

/** The bytes that a bundle is made of. */
export interface BundleSources {
  readonly blockTiles: TileReader;
  readonly transactionTiles: TileReader;
  /** Reads the very block that the chain head sealed. */
  readonly readBlock: (blockNumber: number) => Promise<Block>;
}

/**
 * Makes a self-contained proof of a transaction. Reads a number of tiles that is logarithmic in the chain's length, two blocks,
 * and a block for each rotation or revocation of a signing key: an operator makes a few in a year.
 */
export async function proofBundle(
  parts: BundleParts,
  { blockTiles, transactionTiles, readBlock }: BundleSources,
): Promise<VdcProof> {
  const { blockNumber, index, placed, pair } = parts;
  const tree = new TileTree(pair.size, blockTiles);
  const newest = pair.size - 1;
  const entry = await transactionProof(transactionTiles, parts, pair);
  return {
    format: "vdc-proof@1",
    chainId: parts.chainId,
    genesisHash: parts.genesisHash,
    ...placedIn(placed.block, index),
    block: { ...signedHeader(placed.block), cid: placed.cid },
    head:
      blockNumber === newest
        ? null
        : {
            ...signedHeader(await readBlock(newest)),
            path: hexes(await tree.inclusionProof(blockNumber, newest)), // block n's historyRoot is over n blocks
          },
    logs: {
      blocks: { checkpoint: pair.blocks, path: hexes(await tree.inclusionProof(blockNumber)) },
      transactions: { checkpoint: entry.checkpoint, index: entry.index, path: hexes(entry.path) },
    },
    logKeys: [...parts.logKeys],
    keys: await keyStatements(parts.keyBlocks, newest, readBlock),
    timestamps: await mapConnections(
      parts.stamps.filter(({ size }) => size > blockNumber),
      async ({ authority, size, checkpoint, token }) => ({
        authority,
        checkpoint,
        path: hexes(await new TileTree(size, blockTiles).inclusionProof(blockNumber)),
        token: base64url(token),
      }),
    ),
  };
}

const KEY_TYPES: readonly string[] = ["genesis", "key_rotation", "key_revocation"];

/** Proves each announcement and revocation of a signing key up to block `last`, in the chain's order. */
async function keyStatements(
  keyBlocks: readonly number[],
  last: number,
  readBlock: BundleSources["readBlock"],
): Promise<KeyStatement[]> {
  const numbers = [...new Set(keyBlocks)].filter((number) => number <= last).toSorted((a, b) => a - b);
  const blocks = await mapConnections(numbers, readBlock);
  return blocks.flatMap((block) =>
    block.transactions.flatMap(({ type }, index) =>
      KEY_TYPES.includes(type) ? [{ ...signedHeader(block), ...placedIn(block, index) }] : [],
    ),
  );
}

/** A transaction of a block, with its path to the header's `merkleRoot`. */
function placedIn(
  { transactions }: Block,
  index: number,
): Pick<VdcProof, "transaction" | "index" | "merklePath"> {
  const bytes = transactions.map(transactionBytes);
  const transaction = bytes[index];
  if (transaction === undefined) throw new RangeError(`the block has no transaction ${index}`);
  return {
    transaction: base64url(transaction),
    index,
    merklePath: hexes(inclusionProof(bytes.map(leafHash), index)),
  };
}

function signedHeader(block: Block): { header: Header; blockSignature: Block["blockSignature"] } {
  const { hash: _, transactions: __, blockSignature, ...header } = block;
  return { header, blockSignature };
}

function hexes(hashes: readonly Uint8Array[]): string[] {
  return hashes.map((hash) => hex(hash));
}

/** A proof that a log of `to` entries begins with the log of `from` entries. Hashes are in hex. */
export interface ConsistencyOfLog {
  readonly from: { readonly size: number; readonly root: string };
  readonly to: { readonly size: number; readonly root: string };
  readonly path: readonly string[];
}

/**
 * PROOF of RFC 6962 §2.1.2 with both roots.
 * @param size of the published tree that `read` reads
 * @throws RangeError unless 1 ≤ from ≤ to ≤ size
 */
export async function consistencyOf(
  read: TileReader,
  size: number,
  from: number,
  to: number,
): Promise<ConsistencyOfLog> {
  const tree = new TileTree(size, read);
  const path = hexes(await tree.consistencyProof(from, to));
  return {
    from: { size: from, root: hex(await tree.root(from)) },
    to: { size: to, root: hex(await tree.root(to)) },
    path,
  };
}
