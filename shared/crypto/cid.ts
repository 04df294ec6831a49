import { importBytes } from "ipfs-unixfs-importer";

interface UnixfsBlock {
  /** CIDv0 (`Qm…`) of the dag-pb block */
  cid: string;
  bytes: Uint8Array;
}

/**
 * Computes the CIDv0 of these bytes on IPFS. UnixFS profile `unixfs-v0-2015` (IPIP-499): dag-pb leaves of 262,144 bytes,
 * at most 174 links per node, balanced, SHA-256.
 */
export async function cidV0(bytes: Uint8Array): Promise<string> {
  return importFile(bytes, () => {});
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
