import { CarIndexedReader } from "@ipld/car/indexed-reader";
import { exporter } from "ipfs-unixfs-exporter";
import type { ImportResult } from "ipfs-unixfs-importer";
import { concat, equalBytes } from "../../shared/crypto/bytes.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import type { SourceBlock } from "../chain/verify.ts";
import { blockNumberOf } from "./file-name.ts";

type Cid = ImportResult["cid"];

/**
 * A chain in a CAR file, as `vdc export` or any IPFS tool writes it. What is read from it has the hash that its CID says;
 * that the blocks are a chain is for `verifyChain` to find out.
 */
export class ChainCar {
  /** CID of the directory. */
  readonly root: string;
  readonly #path: string;
  readonly #reader: CarIndexedReader;
  readonly #files: readonly Cid[];

  private constructor(path: string, root: string, reader: CarIndexedReader, files: readonly Cid[]) {
    this.root = root;
    this.#path = path;
    this.#reader = reader;
    this.#files = files;
  }

  /** Reads all of the file, and holds each part of it against its CID. @throws CommandFailure */
  static async open(file: string): Promise<ChainCar> {
    const reader = await explained(file, () => CarIndexedReader.fromFile(file));
    try {
      return await explained(file, async () => {
        let parts = 0;
        for await (const { cid } of reader.blocks()) {
          await readPart(reader, cid);
          parts++;
        }
        const [root, another] = await reader.getRoots();
        if (root === undefined || another !== undefined) throw new Error("it does not have one root");
        return new ChainCar(file, root.toString(), reader, await filesOf(reader, root, parts));
      });
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  get count(): number {
    return this.#files.length;
  }

  /** From genesis on. May be called more than once: it gives the same bytes each time, or throws. */
  async *blocks(): AsyncGenerator<SourceBlock> {
    for (const cid of this.#files) {
      const bytes = await explained(this.#path, () => readFile(this.#reader, cid));
      yield { bytes, cid: cid.toString() };
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }
}

/**
 * A part can be linked to any number of times, so a small file may describe a directory without end: one with more entries
 * than the file has parts.
 * @throws Error unless the directory holds `0.json`, `1.json` and so on, and nothing else
 */
async function filesOf(reader: CarIndexedReader, root: Cid, parts: number): Promise<readonly Cid[]> {
  const directory = await exporter(root, storeOf(reader));
  if (directory.type !== "directory") throw new Error("its root is no directory");
  const byNumber = new Map<number, Cid>();
  let entries = 0;
  for await (const { name, cid } of directory.entries()) {
    if (++entries > parts) throw new Error("its directory holds something more than once");
    const number = blockNumberOf(name);
    if (number === undefined)
      throw new Error(`it holds ${JSON.stringify(name)}, which is no block of a chain`);
    byNumber.set(number, cid);
  }
  if (byNumber.size === 0) throw new Error("it holds no block");
  return Array.from({ length: byNumber.size }, (_, number) => {
    const cid = byNumber.get(number);
    if (cid === undefined) throw new Error(`it holds ${byNumber.size} files, but no block ${number}`);
    return cid;
  });
}

/** No block is larger: KV holds 25 MiB. A file can be said to have any number of the same part. */
const MAX_FILE_BYTES = 26 * 1024 * 1024;

async function readFile(reader: CarIndexedReader, cid: Cid): Promise<Uint8Array<ArrayBuffer>> {
  const file = await exporter(cid, storeOf(reader, cid));
  if (file.type !== "file" && file.type !== "raw") throw new Error(`${cid.toString()} is no file`);
  // The exporter gives as much as is said here, and no more.
  if (file.size > MAX_FILE_BYTES) throw new Error(`${cid.toString()} is larger than any block`);
  // One part after the other: of several that fail at once, it would leave all but one unhandled.
  return concat(...(await Array.fromAsync(file.content({ blockReadConcurrency: 1 }))));
}

const DAG_PB = 0x70; // multicodec table
const LINK = 0x12; // a dag-pb node that links to others begins with a link

/** @param file the file to be read, if it is one: its root alone may link to others, and in a block of ours it does so */
function storeOf(reader: CarIndexedReader, file?: Cid) {
  const root = file?.toString();
  return {
    async *get(cid: Cid): AsyncGenerator<Uint8Array> {
      const part = await readPart(reader, cid);
      if (root !== undefined && cid.toString() !== root && cid.code === DAG_PB && part[0] === LINK)
        throw new Error(`${root} has more levels than any block`);
      yield part;
    },
  };
}

const SHA2_256 = 0x12; // multiformats table

/** @throws Error when it is not there, or not what its CID says */
async function readPart(reader: CarIndexedReader, cid: Cid): Promise<Uint8Array> {
  const part = await reader.get(cid);
  if (part === undefined) throw new Error(`${cid.toString()} is missing`);
  const { code, digest } = cid.multihash;
  if (code !== SHA2_256) throw new Error(`${cid.toString()} is no SHA-256, and can't be checked`);
  if (!equalBytes(await sha256OfFile(Uint8Array.from(part.bytes)), digest))
    throw new Error(`the bytes of ${cid.toString()} are not those that it was made of`);
  return part.bytes;
}

async function explained<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandFailure(`there is no file ${file}`, EXIT.notFound);
    if (code !== undefined && /^E[A-Z]+$/.test(code))
      throw new CommandFailure(`${file} can't be read (${code})`);
    throw new CommandFailure(
      `${file} is not a sound CAR file of a chain: ${message}. Take another copy of it`,
      EXIT.unverified,
    );
  }
}
