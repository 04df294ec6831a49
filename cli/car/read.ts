import { DatabaseSync } from "node:sqlite";
import { exporter } from "ipfs-unixfs-exporter";
import { concat } from "../../shared/crypto/bytes.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import type { SourceBlock } from "../chain/verify.ts";
import { blockNumberOf } from "./file-name.ts";
import { asInvalidCar, CarParts, InvalidCar, type Cid } from "./parts.ts";
import { isOfTheSystem, whyNot } from "../files/why-not.ts";
import { spooled } from "./spooled.ts";

/**
 * A chain in a CAR file, as `vdc export` or any IPFS tool writes it. Every part that is read has the hash in its CID;
 * `verifyChain` decides whether the blocks are a chain. Memory does not grow with the chain, except for a directory that
 * another tool wrote in one piece.
 */
export class ChainCar {
  /** CID of the directory. */
  readonly root: string;
  /** Number of blocks in the file. */
  readonly count: number;
  readonly #name: string;
  readonly #parts: CarParts;
  readonly #files: DatabaseSync;

  private constructor(name: string, parts: CarParts, files: DatabaseSync, count: number) {
    this.root = String(parts.roots[0]);
    this.count = count;
    this.#name = name;
    this.#parts = parts;
    this.#files = files;
  }

  /**
   * Reads the whole file and compares each part with its CID.
   * @param file `-`: stdin
   * @throws CommandFailure
   */
  static async open(file: string): Promise<ChainCar> {
    const name = file === "-" ? "stdin" : file;
    return explained(name, async () => {
      const parts = await (file === "-"
        ? spooled(process.stdin, (path) => CarParts.open(path))
        : CarParts.open(file));
      const files = new DatabaseSync(""); // on disk, and removed when it is closed
      try {
        const [root, another] = parts.roots;
        if (root === undefined || another !== undefined) throw new InvalidCar("it does not have one root");
        return new ChainCar(name, parts, files, await listFiles(files, root, parts));
      } catch (error) {
        files.close();
        await parts.close();
        throw error;
      }
    });
  }

  /**
   * The blocks in their order. May be called more than once: each call gives the same bytes, or throws.
   * @param from number of the first block
   */
  async *blocks(from = 0): AsyncGenerator<SourceBlock> {
    const find = this.#files.prepare("SELECT cid FROM files WHERE number = ?");
    for (let number = from; number < this.count; number++) {
      const path = String(find.get(number)?.cid);
      yield await explained(this.#name, () => readBlock(this.#parts, path));
    }
  }

  async close(): Promise<void> {
    this.#files.close();
    await this.#parts.close();
  }
}

/**
 * Lists the files of the directory. The same part can be linked any number of times, so a small file may describe an
 * endless directory. A directory with more entries than the file has parts is therefore refused.
 * @returns the number of files: `0.json`, `1.json` and so on, without a gap and without other files
 * @throws InvalidCar
 */
async function listFiles(files: DatabaseSync, root: Cid, parts: CarParts): Promise<number> {
  files.exec("PRAGMA journal_mode = OFF; BEGIN; CREATE TABLE files (number INTEGER PRIMARY KEY, cid TEXT)");
  const insert = files.prepare("INSERT OR REPLACE INTO files VALUES (?, ?)");
  let entries = 0;
  let last = -1;
  try {
    const directory = await exporter(root, storeOf(parts));
    if (directory.type !== "directory") throw new InvalidCar("its root is no directory");
    for await (const { name, cid } of directory.entries()) {
      if (++entries > parts.count)
        throw new InvalidCar("its directory has more entries than the file has parts");
      const number = blockNumberOf(name);
      if (number === undefined)
        throw new InvalidCar(`it holds ${JSON.stringify(name)}, which is no block of a chain`);
      insert.run(number, cid.toString());
      last = Math.max(last, number);
    }
  } catch (error) {
    throw asInvalidCar(error, "its root is no directory that can be read");
  }
  files.exec("COMMIT");
  if (last < 0) throw new InvalidCar("it holds no block");
  const count = Number(files.prepare("SELECT count(*) AS count FROM files").get()?.count);
  if (count <= last)
    throw new InvalidCar(`it holds ${count} files, but no block ${firstMissing(files, count)}`);
  return count;
}

function firstMissing(files: DatabaseSync, count: number): number {
  const find = files.prepare("SELECT 1 FROM files WHERE number = ?");
  let number = 0;
  while (number < count && find.get(number) !== undefined) number++;
  return number;
}

/** KV holds 25 MiB, so no block is larger. A file in a CAR file can list the same part any number of times. */
const MAX_FILE_BYTES = 26 * 1024 * 1024;

async function readBlock(parts: CarParts, path: string): Promise<SourceBlock> {
  try {
    const file = await exporter(path, storeOf(parts, path));
    if (file.type !== "file" && file.type !== "raw") throw new InvalidCar(`${path} is no file`);
    // The exporter never returns more than this size.
    if (file.size > MAX_FILE_BYTES) throw new InvalidCar(`${path} is larger than any block`);
    // Reads the parts one at a time: if several failed at once, the exporter would leave all but one rejection unhandled.
    const bytes = concat(...(await Array.fromAsync(file.content({ blockReadConcurrency: 1 }))));
    return { bytes, cid: asWrittenByUs(file.cid) };
  } catch (error) {
    throw asInvalidCar(error, `${path} is no file that can be read`);
  }
}

const DAG_PB = 0x70; // multicodec table
const LINK = 0x12; // a dag-pb node that links to others begins with a link

/** The chain names its blocks by CIDv0. A CIDv1 of the same codec and multihash names the same bytes. */
function asWrittenByUs(cid: Cid): string {
  return (cid.code === DAG_PB ? cid.toV0() : cid).toString();
}

/**
 * @param file CID of the file to read, if the caller reads a file. Only the file's root may link to other parts, as in
 * every block of VDC
 */
function storeOf(parts: CarParts, file?: string) {
  return {
    async *get(cid: Cid): AsyncGenerator<Uint8Array> {
      const part = await parts.read(cid);
      if (file !== undefined && cid.toString() !== file && cid.code === DAG_PB && part[0] === LINK)
        throw new InvalidCar(`${file} has more levels than any block`);
      yield part;
    },
  };
}

async function explained<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isOfTheSystem(error)) {
      if (error.code === "ENOENT") throw new CommandFailure(`there is no file ${file}`, EXIT.notFound);
      throw new CommandFailure(`${file} can't be read: ${whyNot(error)}`);
    }
    if (!(error instanceof InvalidCar)) throw error;
    throw new CommandFailure(
      `${file} is not a sound CAR file of a chain: ${error.message}. Take another copy of it`,
      EXIT.unverified,
    );
  }
}
