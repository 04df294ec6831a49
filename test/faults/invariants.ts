import { readBlock } from "../../shared/chain/block.ts";
import { equalBytes } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import {
  blockNumberOfR2Key,
  kvKeys,
  r2Keys,
  txIdOfIntentKey,
  txIdOfPendingKey,
} from "../../shared/storage/layout.ts";
import { blockOfRecord } from "../../shared/storage/kv-tier.ts";
import { blockBytes } from "../../shared/chain/block.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import type { Attempt } from "./fault.ts";

const IN_FLIGHT = 8; // the most blocks in flight at once, and a few more

/** Checks the invariants before each write: the order of writes is what makes a crash harmless. */
export class Invariants {
  readonly #pipeline: Pipeline;
  /** SHA-256 of the bytes that each block was first stored with. */
  readonly #archived = new Map<number, string>();
  /** Blocks that were seen in every tier, and their transactions. */
  readonly #stored = new Set<number>();
  readonly #transactions = new Set<string>();
  #latest = -1;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** @returns a sentence for each invariant that the coming write breaks */
  async brokenBy({ actor, does, target, sha256, value = "" }: Attempt): Promise<string[]> {
    if (does === "KV put" && target === kvKeys.latest) return this.#publishes(value);
    if (does === "chain-head.persisted") {
      const [{ blockNumber }] = JSON.parse(value) as [{ blockNumber: number }];
      return (await this.#isStored(blockNumber))
        ? []
        : [`block ${blockNumber} is told as persisted, and a tier lacks it`];
    }
    if (does === "chain-head.seal") {
      const [blockNumber, , { sha256: sealed }] = JSON.parse(value) as [number, string, { sha256: string }];
      const keys = [r2Keys.sealed(blockNumber, sealed), r2Keys.block(blockNumber)];
      const found = await Promise.all(keys.map((key) => this.#pipeline.r2.head(key)));
      return found.some((object) => object !== null)
        ? []
        : [`block ${blockNumber} is sealed before its bytes are durable`];
    }
    if (does === "R2 put" && target.startsWith(r2Keys.logPrefix)) return this.#logs(target);
    if (does === "R2 put") return this.#archives(target, sha256);
    if (does === "log-head.shown") return this.#showsLog(value);
    if (does === "R2 delete" && !actor.startsWith("accounts (erase)"))
      return this.#deletes(target.split(" "));
    return [];
  }

  /** A checkpoint covers only blocks that `vdc:latest` has shown. */
  #logs(key: string): string[] {
    const size = /^log\/checkpoints\/(\d+)$/.exec(key)?.[1];
    return size !== undefined && Number(size) - 1 > this.#latest
      ? [`${key} is written, and vdc:latest names block ${this.#latest}`]
      : [];
  }

  /** Readers get a checkpoint only when R2 has it. */
  async #showsLog(value: string): Promise<string[]> {
    const [size] = JSON.parse(value) as [number];
    const key = r2Keys.logCheckpoint(r2Keys.logPrefix, size);
    return (await this.#pipeline.r2.head(key)) === null ? [`${key} is shown, and R2 lacks it`] : [];
  }

  async #publishes(value: string): Promise<string[]> {
    const { blockNumber } = JSON.parse(value) as { blockNumber: number };
    const broken: string[] = [];
    if (blockNumber < this.#latest)
      broken.push(`vdc:latest goes back from ${this.#latest} to ${blockNumber}`);
    this.#latest = blockNumber;
    if ((await this.#firstUnstored()) <= blockNumber)
      broken.push(`vdc:latest names block ${blockNumber}, and a tier lacks that or one before it`);
    return broken;
  }

  #archives(key: string, sha256: string | undefined): string[] {
    const blockNumber = blockNumberOfR2Key(key);
    if (blockNumber === undefined || sha256 === undefined) return [];
    const first = this.#archived.get(blockNumber);
    this.#archived.set(blockNumber, first ?? sha256);
    return first === undefined || first === sha256
      ? []
      : [`two different blocks ${blockNumber} were put into the archive`];
  }

  async #deletes(keys: readonly string[]): Promise<string[]> {
    const broken: string[] = [];
    for (const key of keys) {
      const pending = txIdOfPendingKey(key);
      if (pending !== undefined && !(await this.#isSetAsideOrStored(pending)))
        broken.push(`${key} is deleted, and its transaction stands in no block that every tier has`);
      const intent = txIdOfIntentKey(key);
      if (intent !== undefined && !(await this.#isPendingOrStored(intent)))
        broken.push(`${key} is deleted, and its transaction is neither pending nor in a block`);
    }
    return broken;
  }

  async #isSetAsideOrStored(txId: string): Promise<boolean> {
    return (await this.#pipeline.r2.head(r2Keys.setAside(txId))) !== null || this.#isInStoredBlock(txId);
  }

  async #isPendingOrStored(txId: string): Promise<boolean> {
    return (await this.#pipeline.r2.head(r2Keys.pending(txId))) !== null || this.#isInStoredBlock(txId);
  }

  async #isInStoredBlock(txId: string): Promise<boolean> {
    const first = await this.#firstUnstored();
    for (let n = first; n < first + IN_FLIGHT && !this.#transactions.has(txId); n++) await this.#isStored(n);
    return this.#transactions.has(txId);
  }

  /**
   * Returns the first block that is missing from a tier. Later blocks may be stored already, because blocks can
   * overtake each other.
   */
  async #firstUnstored(): Promise<number> {
    let n = 0;
    while (await this.#isStored(n)) n++;
    return n;
  }

  /**
   * Tells whether every tier has the block. A block that was once in every tier stays there, unless a test deletes it.
   */
  async #isStored(blockNumber: number): Promise<boolean> {
    if (this.#stored.has(blockNumber)) return true;
    const txIds = await this.#storedTransactions(blockNumber);
    if (txIds === undefined) return false;
    this.#stored.add(blockNumber);
    for (const txId of txIds) this.#transactions.add(txId);
    return true;
  }

  async #storedTransactions(blockNumber: number): Promise<readonly string[] | undefined> {
    const { r2, kv, pinning } = this.#pipeline;
    const object = await r2.get(r2Keys.block(blockNumber));
    if (object === null) return undefined;
    const bytes = new Uint8Array(await object.arrayBuffer());
    const block = blockOfRecord(await kv.get(kvKeys.block(blockNumber), "json"));
    if (block === undefined || (await sha256HexOfFile(blockBytes(block))) !== (await sha256HexOfFile(bytes)))
      return undefined;
    const pinned = await fetch(`${pinning.gatewayUrl}/ipfs/${await cidV0(bytes)}`);
    if (!pinned.ok || !equalBytes(new Uint8Array(await pinned.arrayBuffer()), bytes)) return undefined;
    return readBlock(bytes).transactions.map(({ id }) => id);
  }
}
