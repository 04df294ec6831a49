import { fromHex, hex } from "../../shared/crypto/bytes.ts";
import { sha256 } from "../../shared/crypto/hash.ts";
import { leafHash, nodeHash } from "../../shared/chain/merkle.ts";

/** The right edge of a log's tree as JSON. */
export interface FrontierJson {
  /** Number of entries. */
  readonly size: number;
  /** Roots of the complete subtrees in hex, the largest first: one for each bit of the size. */
  readonly hashes: readonly string[];
}

/** Computes the RFC 6962 §2.1 root of a growing log, from one hash for each bit of its size. */
export class Frontier {
  #size: number;
  readonly #hashes: Uint8Array[];

  constructor({ size, hashes }: FrontierJson = { size: 0, hashes: [] }) {
    this.#size = size;
    this.#hashes = hashes.map(fromHex);
  }

  add(entry: Uint8Array): void {
    let hash: Uint8Array = leafHash(entry);
    for (let left = this.#size; left % 2 === 1; left = (left - 1) / 2)
      hash = nodeHash(this.#hashes.pop() as Uint8Array, hash);
    this.#hashes.push(hash);
    this.#size += 1;
  }

  /** 32 bytes. */
  get root(): Uint8Array {
    return this.#hashes.length === 0
      ? sha256(new Uint8Array())
      : this.#hashes.reduceRight((right, left) => nodeHash(left, right));
  }

  toJSON(): FrontierJson {
    return { size: this.#size, hashes: this.#hashes.map(hex) };
  }
}
