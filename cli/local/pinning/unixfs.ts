import { CarWriter } from "@ipld/car";
import { importBytes } from "ipfs-unixfs-importer";
import type { ImportResult, ImporterOptions } from "ipfs-unixfs-importer";

/** The values of Pinata's `cid_version`. */
export type CidVersion = "v0" | "v1" | "unixfs-v1-2025";

export interface IpfsBlock {
  cid: ImportResult["cid"];
  bytes: Uint8Array;
}

/** A file as IPFS blocks, without repeats, the root first. */
export interface Dag {
  root: IpfsBlock;
  blocks: IpfsBlock[];
}

/**
 * Profiles of IPIP-499. `v1` is kubo's `--cid-version=1` as it was before the profiles: v0's chunks and width, with raw
 * leaves.
 */
const PROFILES: Record<CidVersion, ImporterOptions> = {
  v0: { profile: "unixfs-v0-2015" },
  v1: { profile: "unixfs-v0-2015", cidVersion: 1, rawLeaves: true },
  "unixfs-v1-2025": { profile: "unixfs-v1-2025" },
};

/**
 * Does not use shared/crypto/cid.ts: that has v0 only, and a service that shared the code under test could not contradict
 * it.
 */
export async function unixfs(bytes: Uint8Array, version: CidVersion): Promise<Dag> {
  const blocks = new Map<string, IpfsBlock>();
  const store = {
    put(cid: IpfsBlock["cid"], block: unknown): IpfsBlock["cid"] {
      if (!(block instanceof Uint8Array)) throw new TypeError("expected the block's bytes");
      blocks.set(cid.toString(), { cid, bytes: block });
      return cid;
    },
  };
  // A copy of the profile, because the importer writes into its options.
  const { cid } = await importBytes(bytes, store, { ...PROFILES[version] });
  const root = blocks.get(cid.toString());
  if (root === undefined) throw new Error(`the importer did not put the root ${cid.toString()}`);
  return { root, blocks: [...new Set([root, ...blocks.values()])] };
}

/** CARv1 with the file's CID as its only root. */
export async function car({ root, blocks }: Dag): Promise<Uint8Array<ArrayBuffer>> {
  const { writer, out } = CarWriter.create([root.cid]);
  const [chunks] = await Promise.all([Array.fromAsync(out), write()]);
  return new Uint8Array(Buffer.concat(chunks));

  async function write(): Promise<void> {
    for (const block of blocks) await writer.put(block);
    await writer.close();
  }
}
