import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { rmSync } from "node:fs";
import { CarWriter } from "@ipld/car";
import { importBytes } from "ipfs-unixfs-importer";
import { Directory } from "./directory.ts";
import { fileNameOf } from "./file-name.ts";
import type { Cid } from "./parts.ts";

export interface ChainFile {
  readonly blockNumber: number;
  /** Canonical bytes of the block. */
  readonly bytes: Uint8Array;
}

export interface WrittenCar {
  /** CID of the directory. */
  readonly root: string;
  readonly blocks: number;
  /** Size of the file. */
  readonly bytes: number;
}

/**
 * Writes one CARv1 file whose root is a UnixFS directory with `{n}.json` for each block. The CIDs are those of the
 * profile unixfs-v0-2015, so a file's CID is the block's `ipfsHash`. The same blocks give the same bytes. When this
 * resolves, `file` is complete; when it throws, `file` is unchanged. Memory
 * does not grow with the chain.
 */
export async function writeCar(file: string, blocks: AsyncIterable<ChainFile>): Promise<WrittenCar> {
  const temporary = `${file}.${process.pid}.partial`;
  const clear = () => rmSync(temporary, { force: true });
  const handle = await open(temporary, "wx+");
  process.once("exit", clear); // Ctrl-C
  try {
    const written = await writeTo(handle, blocks);
    await handle.sync();
    const { size } = await handle.stat();
    await handle.close();
    await rename(temporary, file);
    return { ...written, bytes: size };
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  } finally {
    process.off("exit", clear);
  }
}

async function writeTo(
  handle: FileHandle,
  blocks: AsyncIterable<ChainFile>,
): Promise<Omit<WrittenCar, "bytes">> {
  // The header names the root, which is known last: a CID of the same length holds its place.
  const { writer, out } = CarWriter.create([await anyCid()]);
  const [, { root, count }] = await Promise.all([drain(out, handle), fill(writer, blocks)]);
  await CarWriter.updateRootsInFile(handle, [root]);
  return { root: root.toString(), blocks: count };
}

async function drain(out: AsyncIterable<Uint8Array>, handle: FileHandle): Promise<void> {
  for await (const chunk of out) await handle.writeFile(chunk); // appends after the last chunk
}

/** Writes one part after the other, so that the order in the file is always the same and few parts are in memory. */
const OPTIONS = { profile: "unixfs-v0-2015", blockWriteConcurrency: 1 } as const;

type Writer = ReturnType<typeof CarWriter.create>["writer"];

async function fill(writer: Writer, blocks: AsyncIterable<ChainFile>): Promise<{ root: Cid; count: number }> {
  const put = async (cid: Cid, bytes: unknown): Promise<Cid> => {
    if (!(bytes instanceof Uint8Array)) throw new TypeError("expected a block in one piece");
    await writer.put({ cid, bytes });
    return cid;
  };
  const directory = new Directory();
  try {
    let count = 0;
    for await (const { blockNumber, bytes } of blocks) {
      const { cid, size } = await importBytes(bytes, { put }, OPTIONS);
      await directory.add({ name: fileNameOf(blockNumber), cid, size: Number(size) });
      count++;
    }
    if (count === 0) throw new Error("there is no block to write");
    const root = await directory.write(put);
    await writer.close();
    return { root, count };
  } finally {
    directory.close();
  }
}

async function anyCid(): Promise<Cid> {
  const nowhere = { put: async (cid: Cid) => cid };
  return (await importBytes(new Uint8Array(0), nowhere, OPTIONS)).cid;
}
