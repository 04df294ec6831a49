import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { CarIndexer } from "@ipld/car/indexer";
import type { ImportResult } from "ipfs-unixfs-importer";
import { isOfTheSystem } from "../files/why-not.ts";
import { equalBytes } from "../../shared/crypto/bytes.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";

export type Cid = ImportResult["cid"];

/** Why a file is not a valid CAR file of a chain, in words for the person who gave it. */
export class InvalidCar extends Error {
  override readonly name = "InvalidCar";
}

/** Most bytes of a part of a directory or of a block. */
const MAX_PART_BYTES = 64 * 1024 * 1024;

/**
 * The parts of a CAR file by their multihash, because the same bytes have CIDs of several versions and codecs. The index
 * is a temporary database, so memory does not grow with the file.
 */
export class CarParts {
  readonly roots: readonly Cid[];
  /** Number of parts in the file. */
  readonly count: number;
  readonly #handle: FileHandle;
  readonly #index: DatabaseSync;
  readonly #find: StatementSync;

  private constructor(handle: FileHandle, index: DatabaseSync, roots: readonly Cid[], count: number) {
    this.roots = roots;
    this.count = count;
    this.#handle = handle;
    this.#index = index;
    this.#find = index.prepare("SELECT offset, length FROM parts WHERE multihash = ?");
  }

  /** Reads the whole file, and compares each part with its CID. @throws InvalidCar */
  static async open(file: string): Promise<CarParts> {
    const handle = await open(file, "r");
    const index = new DatabaseSync(""); // on disk, and removed when it is closed
    try {
      const indexer = await indexerOf(file, handle);
      index.exec("PRAGMA journal_mode = OFF; BEGIN");
      index.exec(
        "CREATE TABLE parts (multihash BLOB PRIMARY KEY, offset INTEGER, length INTEGER) WITHOUT ROWID",
      );
      const count = await fill(index, indexer, handle);
      index.exec("COMMIT");
      return new CarParts(handle, index, await indexer.getRoots(), count);
    } catch (error) {
      index.close();
      await handle.close();
      throw error;
    }
  }

  /** @throws InvalidCar when the part is missing, or its bytes do not have the CID */
  async read(cid: Cid): Promise<Uint8Array> {
    const found = this.#find.get(cid.multihash.bytes);
    if (found === undefined) throw new InvalidCar(`${cid.toString()} is missing`);
    return readPart(this.#handle, cid, Number(found.offset), Number(found.length));
  }

  async close(): Promise<void> {
    this.#index.close();
    await this.#handle.close();
  }
}

const UTF16 = ["fffe", "feff"];

async function indexerOf(file: string, handle: FileHandle): Promise<CarIndexer> {
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  if (UTF16.includes(buffer.toString("hex")))
    throw new InvalidCar(
      "it is UTF-16 text, as PowerShell's `>` writes it: give `vdc export` the file's name instead",
    );
  try {
    return await CarIndexer.fromIterable(createReadStream(file));
  } catch (error) {
    throw asInvalidCar(error, "it does not begin as a CAR file does");
  }
}

async function fill(index: DatabaseSync, indexer: CarIndexer, handle: FileHandle): Promise<number> {
  const insert = index.prepare("INSERT OR REPLACE INTO parts VALUES (?, ?, ?)");
  const { size } = await handle.stat();
  const parts = indexer[Symbol.asyncIterator]();
  let count = 0;
  let end = 0; // end of the last part
  for (;;) {
    let next: Awaited<ReturnType<typeof parts.next>>;
    try {
      next = await parts.next();
    } catch (error) {
      if (count > 0 && (await onlyZerosFrom(handle, end, size))) return count; // the rest is padding
      throw asInvalidCar(error, `it is cut off or damaged after byte ${end}: no part of a CAR file follows`);
    }
    if (next.done === true) return count;
    const { cid, blockOffset, blockLength } = next.value;
    end = blockOffset + blockLength;
    if (end > size)
      throw new InvalidCar(`it is cut off: ${cid.toString()} would end at byte ${end} of ${size}`);
    await readPart(handle, cid, blockOffset, blockLength);
    insert.run(cid.multihash.bytes, blockOffset, blockLength);
    count++;
  }
}

const CHUNK = 65_536;

async function onlyZerosFrom(handle: FileHandle, start: number, end: number): Promise<boolean> {
  for (let at = start; at < end; at += CHUNK) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
    if (buffer.subarray(0, bytesRead).some((byte: number) => byte !== 0)) return false;
  }
  return true;
}

const SHA2_256 = 0x12; // multiformats table

async function readPart(handle: FileHandle, cid: Cid, offset: number, length: number): Promise<Uint8Array> {
  const { code, digest } = cid.multihash;
  if (code !== SHA2_256) throw new InvalidCar(`${cid.toString()} is no SHA-256, and can't be checked`);
  if (length < 0 || length > MAX_PART_BYTES)
    throw new InvalidCar(`${cid.toString()} can't have ${length} bytes, as the file says`);
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  if (bytesRead < length || !equalBytes(await sha256OfFile(bytes), digest))
    throw new InvalidCar(`the bytes of ${cid.toString()} are not those that it was made of`);
  return bytes;
}

/**
 * Replaces a library's message, which is for programmers. An error of the operating system stays: it says why nothing
 * could be read.
 */
export function asInvalidCar(error: unknown, why: string): unknown {
  if (error instanceof InvalidCar || isOfTheSystem(error)) return error;
  return new InvalidCar(why, { cause: error });
}
