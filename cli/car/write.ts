import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { rmSync } from "node:fs";
import { CarWriter } from "@ipld/car";
import { importBytes, importer, type ImportResult } from "ipfs-unixfs-importer";
import { fileNameOf } from "./file-name.ts";

type Cid = ImportResult["cid"];

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
 * resolves, `file` is complete; when it throws, `file` is unchanged.
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

type Writer = ReturnType<typeof CarWriter.create>["writer"];

async function fill(writer: Writer, blocks: AsyncIterable<ChainFile>): Promise<{ root: Cid; count: number }> {
  const store = {
    async put(cid: Cid, bytes: unknown): Promise<Cid> {
      if (!(bytes instanceof Uint8Array)) throw new TypeError("expected a block in one piece");
      await writer.put({ cid, bytes });
      return cid;
    },
  };
  // Writes a single block at a time, so that the file has the chain's order and few blocks are in memory.
  const options = {
    profile: "unixfs-v0-2015",
    wrapWithDirectory: true,
    fileImportConcurrency: 1,
    blockWriteConcurrency: 1,
  } as const;
  let root: Cid | undefined;
  let count = -1; // the directory counts too
  for await (const { cid } of importer(candidates(blocks), store, { ...options })) {
    root = cid;
    count++;
  }
  if (root === undefined || count < 1) throw new Error("there is no block to write");
  await writer.close();
  return { root, count };
}

async function* candidates(
  blocks: AsyncIterable<ChainFile>,
): AsyncGenerator<{ path: string; content: Uint8Array }> {
  for await (const { blockNumber, bytes } of blocks) yield { path: fileNameOf(blockNumber), content: bytes };
}

async function anyCid(): Promise<Cid> {
  const nowhere = { put: async (cid: Cid) => cid };
  return (await importBytes(new Uint8Array(0), nowhere, { profile: "unixfs-v0-2015" })).cid;
}
