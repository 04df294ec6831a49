import { encode } from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import { importBytes } from "ipfs-unixfs-importer";
import { CID } from "multiformats/cid";
import { create } from "multiformats/hashes/digest";
import { sha256OfFile } from "./hash.ts";

interface UnixfsBlock {
  /** CIDv0 (`Qm…`) of the dag-pb block */
  cid: string;
  bytes: Uint8Array;
}

/** Most bytes of a leaf in the UnixFS profile `unixfs-v0-2015` (IPIP-499). A file of one leaf has no other node. */
export const LEAF_BYTES = 262_144;

const SHA2_256 = 0x12; // https://github.com/multiformats/multicodec

/**
 * Computes the CIDv0 of these bytes on IPFS. UnixFS profile `unixfs-v0-2015` (IPIP-499): dag-pb leaves of 262,144 bytes,
 * at most 174 links per node, balanced, SHA-256.
 */
export async function cidV0(bytes: Uint8Array): Promise<string> {
  return bytes.length <= LEAF_BYTES ? leafCid(bytes) : importFile(bytes, () => {});
}

/** Computes the CID of a file of one leaf with one SHA-256. */
async function leafCid(data: Uint8Array): Promise<string> {
  const leaf = encode({ Data: new UnixFS({ type: "file", data }).marshal(), Links: [] });
  return CID.createV0(create(SHA2_256, await sha256OfFile(leaf as Uint8Array<ArrayBuffer>))).toString();
}

/** Computes the same CID with every block of its tree. Each block occurs once, children before their parents. */
export async function unixfsV0(bytes: Uint8Array): Promise<{ cid: string; blocks: UnixfsBlock[] }> {
  const blocks = new Map<string, Uint8Array>();
  const cid = await importFile(bytes, (cid, block) => blocks.set(cid, block));
  return { cid, blocks: Array.from(blocks, ([cid, bytes]) => ({ cid, bytes })) };
}

async function importFile(
  bytes: Uint8Array,
  keep: (cid: string, block: Uint8Array) => void,
): Promise<string> {
  type Blockstore = Parameters<typeof importBytes>[1];
  const blockstore: Blockstore = {
    async put(cid, block) {
      if (!(block instanceof Uint8Array)) throw new TypeError("expected a block in one piece");
      keep(cid.toString(), block);
      return cid;
    },
  };
  // The profile is named, because the importer's default is CIDv1 with raw leaves of 1 MiB.
  const { cid } = await importBytes(bytes, blockstore, { profile: "unixfs-v0-2015" });
  return cid.toString();
}
