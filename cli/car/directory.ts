import { DatabaseSync } from "node:sqlite";
import { encode, prepare, type PBLink } from "@ipld/dag-pb";
import { murmur364 } from "@multiformats/murmur3";
import { UnixFS } from "ipfs-unixfs";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";
import { utf8 } from "../../shared/crypto/bytes.ts";

/** Stores a part of a directory. */
type Put = (cid: CID, bytes: Uint8Array) => Promise<unknown>;

export interface DirectoryEntry {
  readonly name: string;
  readonly cid: CID;
  /** Bytes of the file with all that it links to. */
  readonly size: number;
}

/**
 * A UnixFS directory of any number of files, with the CIDs that the profile unixfs-v0-2015 (IPIP-499) gives it: one node while
 * its links are small, else a HAMT of nodes (https://specs.ipfs.tech/unixfs/, "HAMT directory"). The entries wait in a
 * temporary database in the order of their hashes, so memory holds one path of nodes and does not grow with the directory.
 */
export class Directory {
  readonly #entries = new DatabaseSync(""); // on disk, and removed when it is closed
  readonly #add;
  /** Bytes of all names and CIDs, by which the profile decides. */
  #linkBytes = 0;

  constructor() {
    this.#entries.exec(`PRAGMA journal_mode = OFF; BEGIN;
      CREATE TABLE entry (hash BLOB, name TEXT, cid BLOB, size INTEGER, PRIMARY KEY (hash, name)) WITHOUT ROWID`);
    this.#add = this.#entries.prepare("INSERT INTO entry VALUES (?, ?, ?, ?)");
  }

  /** @throws Error when the name is there already */
  async add({ name, cid, size }: DirectoryEntry): Promise<void> {
    this.#add.run(await murmur364.encode(utf8(name)), name, cid.bytes, size);
    this.#linkBytes += utf8(name).length + cid.byteLength;
  }

  /** @returns CID of the directory, whose parts were all put, each after those that it links to */
  async write(put: Put): Promise<CID> {
    const isSharded = this.#linkBytes > MAX_LINK_BYTES;
    const { cid } = await (isSharded ? writeSharded(this.#sorted(), put) : writeFlat(this.#sorted(), put));
    return cid;
  }

  close(): void {
    this.#entries.close();
  }

  *#sorted(): Generator<HashedEntry> {
    for (const row of this.#entries.prepare("SELECT * FROM entry ORDER BY hash, name").iterate()) {
      const { hash, name, cid, size } = row as {
        hash: Uint8Array;
        name: string;
        cid: Uint8Array;
        size: number;
      };
      yield { hash, name, cid: CID.decode(cid), size };
    }
  }
}

const MAX_LINK_BYTES = 262_144; // unixfs-v0-2015

interface HashedEntry extends DirectoryEntry {
  readonly hash: Uint8Array;
}

const LEVELS = 8; // bytes of the hash, one a level

async function writeFlat(entries: Iterable<HashedEntry>, put: Put): Promise<Written> {
  const links = Array.from(entries, ({ name, cid, size }) => ({ Name: name, Hash: cid, Tsize: size }));
  return writeNode(new UnixFS({ type: "directory" }), links, put);
}

/**
 * A node of depth d holds the entries whose hashes share the first d bytes. An entry is linked from the shallowest node where
 * the next byte of its hash is its own; its neighbours in the order of hashes say which that is.
 */
async function writeSharded(entries: Iterable<HashedEntry>, put: Put): Promise<Written> {
  const path: Shard[] = [new Shard()]; // open nodes, the root first
  let shared = 0; // leading bytes of the hash that the entry has in common with the one before it
  for (const [entry, next] of withNext(entries)) {
    const sharedWithNext = next === undefined ? 0 : commonBytes(entry.hash, next.hash);
    const depth = Math.max(shared, sharedWithNext);
    if (depth >= LEVELS)
      throw new Error(`${entry.name} has the hash of another name: no IPFS tool takes both`);
    while (path.length <= depth) path.push(new Shard());
    path[depth]?.link(entry.hash[depth] as number, entry);
    while (path.length > sharedWithNext + 1) {
      const closed = await (path.pop() as Shard).write(put);
      path.at(-1)?.link(entry.hash[path.length - 1] as number, { name: "", ...closed });
    }
    shared = sharedWithNext;
  }
  return (path[0] as Shard).write(put);
}

function* withNext<T>(items: Iterable<T>): Generator<[item: T, next: T | undefined]> {
  let before: T | undefined;
  for (const item of items) {
    if (before !== undefined) yield [before, item];
    before = item;
  }
  if (before !== undefined) yield [before, undefined];
}

function commonBytes(a: Uint8Array, b: Uint8Array): number {
  const different = a.findIndex((byte, index) => byte !== b[index]);
  return different === -1 ? a.length : different;
}

interface Written {
  readonly cid: CID;
  /** Bytes of the node with all that it links to. */
  readonly size: number;
}

const FANOUT = 256;
const MURMUR3_X64_64 = 0x22n; // multicodec table

/** A node of a HAMT. */
class Shard {
  readonly #links: PBLink[] = [];
  /** Big-endian: the bit of slot 0 is the last. */
  readonly #slots = new Uint8Array(FANOUT / 8);

  /** @param entry its name is empty for a deeper node */
  link(slot: number, { name, cid, size }: DirectoryEntry): void {
    const prefix = slot.toString(16).toUpperCase().padStart(2, "0");
    this.#links.push({ Name: prefix + name, Hash: cid, Tsize: size });
    this.#slots[FANOUT / 8 - 1 - (slot >> 3)]! |= 1 << (slot & 7);
  }

  async write(put: Put): Promise<Written> {
    const data = this.#slots.subarray(this.#slots.findIndex((byte) => byte !== 0));
    const type = "hamt-sharded-directory";
    const node = new UnixFS({ type, data, fanout: BigInt(FANOUT), hashType: MURMUR3_X64_64 });
    return writeNode(node, this.#links, put);
  }
}

async function writeNode(node: UnixFS, links: PBLink[], put: Put): Promise<Written> {
  const bytes = encode(prepare({ Data: node.marshal(), Links: links }));
  const cid = CID.createV0(await sha256.digest(bytes));
  await put(cid, bytes);
  return { cid, size: links.reduce((sum, { Tsize }) => sum + (Tsize ?? 0), bytes.length) };
}
