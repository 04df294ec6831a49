import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import type { AssetRecord } from "../../../shared/operations/block-index.ts";
import {
  blockNumberOfKvKey,
  blockNumberOfR2Key,
  blockNumberOfSealedKey,
  kvKeys,
  r2Keys,
  txIdOfPendingKey,
  txIdOfSetAsideKey,
} from "../../../shared/storage/layout.ts";
import { PERSONAL } from "../people/stripe.ts";
import { STALE, type SimulatedKv } from "../platform/kv.ts";
import type { SimulatedPinning } from "../platform/pinning.ts";
import type { Observers, Stack } from "../platform/stack.ts";
import type { SimulatedR2 } from "../platform/r2.ts";
import type { World } from "../world/world.ts";
import { Fairness } from "./fair.ts";
import type { Promised } from "./promised.ts";

interface Tiers {
  readonly kv: SimulatedKv;
  readonly r2: SimulatedR2;
  readonly pinning: SimulatedPinning;
}

interface PublicBlock {
  readonly blockNumber: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly previousCid: string | null;
  readonly transactions: readonly { readonly id: string; readonly type: string }[];
}

/** Personal text that must not appear, plain and in Base64 at each of the three alignments. */
const SPELLINGS = [
  PERSONAL,
  ...["", "-", "--"].map((before) =>
    Buffer.from(before + PERSONAL)
      .toString("base64url")
      .slice(4, -4),
  ),
];

/**
 * Sees every write of a tier as it happens, and checks it against the promises of docs/design.md#promises that a single
 * write can break.
 */
export class Onlooker {
  readonly #world: World;
  readonly #promised: Promised;
  #tiers: Tiers | undefined;
  #fairness: Fairness | undefined;
  /** The hash of each block as a tier first received it, by block number. */
  readonly #published = new Map<number, string>();
  readonly #cids = new Map<number, string>();
  /** The CID that each published block names for the one before it, by the earlier block's number. */
  readonly #namedCids = new Map<number, string | null>();
  readonly #minedIn = new Map<string, number>();
  /** The first bytes of each block in R2. */
  readonly #archived = new Map<string, Uint8Array>();
  /** The first bytes of each object of the logs. */
  readonly #logged = new Map<string, Uint8Array>();
  readonly #spoilt = new Set<number>();
  /** The block that each asset's record names, by the record's key. */
  readonly #assets = new Map<string, number>();
  #latest = -1;

  constructor(world: World, promised: Promised) {
    this.#world = world;
    this.#promised = promised;
  }

  watch(stack: Stack): void {
    this.#tiers = stack;
    this.#fairness = new Fairness(stack);
  }

  get blocks(): number {
    return this.#published.size;
  }

  get transactions(): number {
    return this.#minedIn.size;
  }

  blockOf(txId: string): number | undefined {
    return this.#minedIn.get(txId);
  }

  /** Notes that a copy of this block was spoilt. */
  spoilt(blockNumber: number): void {
    this.#spoilt.add(blockNumber);
  }

  isSpoilt(blockNumber: number): boolean {
    return this.#spoilt.has(blockNumber);
  }

  /** Objects of the logs never change: readers cache them for ever. */
  #logs(key: string, bytes: Uint8Array): void {
    const first = this.#logged.get(key);
    if (first === undefined) this.#logged.set(key, bytes);
    else if (!Buffer.from(first).equals(bytes))
      this.#world.broken("11 one history", `R2 ${key} was overwritten with other bytes`);
  }

  readonly observers: Observers = {
    kv: (key, value) => {
      if (value === undefined) return;
      this.#refusePersonal(`KV ${key}`, value);
      const userId = userIdOf(key);
      if (userId !== undefined) this.#showsMetadata(userId, value);
      if (key === kvKeys.latest) this.#latestIs(JSON.parse(value) as { blockNumber: number; hash: string });
      else if (key === kvKeys.indexed) this.#claims((JSON.parse(value) as IndexedThrough).blockNumber);
      else if (blockNumberOfKvKey(key) !== undefined) this.#publishes("KV", JSON.parse(value) as PublicBlock);
      else if (key.startsWith(kvKeys.asset(""))) this.#assetIs(key, JSON.parse(value) as AssetRecord);
    },
    r2: (key, bytes) => {
      const txId = txIdOfPendingKey(key) ?? txIdOfSetAsideKey(key);
      if (bytes === undefined) {
        if (txId !== undefined && this.#present.r2.truth(key) && !this.#hasAnother(txId, key))
          this.#clears(txId);
        return;
      }
      const text = Buffer.from(bytes).toString();
      this.#refusePersonal(`R2 ${key}`, text);
      const staged = blockNumberOfSealedKey(key);
      if (staged !== undefined) this.#fairness?.staged(staged);
      if (key.startsWith(r2Keys.logPrefix)) this.#logs(key, bytes);
      if (blockNumberOfR2Key(key) === undefined) return;
      const first = this.#archived.get(key);
      if (first === undefined) this.#archived.set(key, bytes);
      else if (!Buffer.from(first).equals(bytes))
        this.#world.broken("3 one block per height", `R2 ${key} was overwritten with other bytes`);
      this.#publishes("R2", JSON.parse(text) as PublicBlock);
    },
    pin: (cid, bytes) => {
      const text = Buffer.from(bytes).toString();
      this.#refusePersonal(`IPFS ${cid}`, text);
      const pinned = JSON.parse(text) as Partial<PublicBlock>;
      if (pinned.blockNumber === undefined) return; // a document
      this.#cids.set(pinned.blockNumber, cid);
      this.#publishes("IPFS", pinned as PublicBlock);
    },
  };

  get #present(): Tiers {
    if (this.#tiers === undefined) throw new Error("nothing to watch");
    return this.#tiers;
  }

  #publishes(tier: string, { blockNumber: n, hash, previousCid, transactions }: PublicBlock): void {
    this.#namedCids.set(n - 1, previousCid);
    for (const earlier of [n - 1, n]) this.#isFoundByCid(earlier);
    const known = this.#published.get(n);
    if (known === undefined) this.#published.set(n, hash);
    else if (known !== hash)
      this.#world.broken(
        "3 one block per height",
        `${tier} gets block ${n} ${hash}, and ${known} is out already`,
      );
    for (const { id } of transactions) {
      const block = this.#minedIn.get(id);
      if (block === undefined) this.#minedIn.set(id, n);
      else if (block !== n)
        this.#world.broken("2 nothing is mined twice", `${id} is in block ${block} and in ${n}`);
    }
  }

  /** Checks that the block after this one names the CID under which this one is pinned. */
  #isFoundByCid(n: number): void {
    const [pinned, named] = [this.#cids.get(n), this.#namedCids.get(n)];
    if (pinned !== undefined && named !== undefined && pinned !== named)
      this.#world.broken(
        "3 one block per height",
        `block ${n} is pinned as ${pinned}, the next names ${named}`,
      );
  }

  #latestIs({ blockNumber, hash }: { blockNumber: number; hash: string }): void {
    if (blockNumber < this.#latest)
      this.#world.broken("5 latest never goes back", `from ${this.#latest} to ${blockNumber}`);
    this.#latest = blockNumber;
    if (this.#published.get(blockNumber) !== hash)
      this.#world.broken("5 latest names what is stored", `${hash} is not block ${blockNumber}`);
    for (const tier of this.#missingFrom(blockNumber))
      this.#world.broken("5 latest names what is stored", `block ${blockNumber} is not in ${tier}`);
  }

  /**
   * Checks that the index, as every reader of KV sees it, has each transaction up to this block. The chain head counts KV's delay
   * by its clock, so a claim that a jump of this clock has shortened is left out.
   */
  #claims(through: number): void {
    if (this.#world.now - this.#world.clocks.jumpedAt("ChainHead") < STALE) return;
    for (const [txId, n] of this.#minedIn)
      if (
        n <= through &&
        !this.#spoilt.has(n) &&
        !this.#present.kv.isShownEverywhere(kvKeys.transaction(txId))
      )
        this.#world.broken("the index is complete where it is claimed", `${txId} of block ${n} is not shown`);
  }

  #assetIs(key: string, { vdcBlockNumber }: AssetRecord): void {
    const before = this.#assets.get(key) ?? -1;
    if (vdcBlockNumber < before)
      this.#world.broken("an asset's record never goes back", `${key}: from ${before} to ${vdcBlockNumber}`);
    this.#assets.set(key, vdcBlockNumber);
  }

  /** Checks that a user who was told that a version is stored is not shown an older one, apart from KV's own delay. */
  #showsMetadata(userId: string, value: string): void {
    const { version } = JSON.parse(value) as { version: number };
    const promised = this.#promised.metadataOf(userId);
    if (version < promised)
      this.#world.broken("metadata never goes back", `of ${userId}: from ${promised} to ${version}`);
  }

  /**
   * Tells whether the other folder still has the object. While a transaction moves, both `pending/` and `set-aside/`
   * hold it.
   */
  #hasAnother(txId: string, key: string): boolean {
    return [r2Keys.pending(txId), r2Keys.setAside(txId)].some(
      (other) => other !== key && this.#present.r2.truth(other) !== undefined,
    );
  }

  /**
   * Checks that a pending object is deleted only if the tiers hold its block, an erasure was requested, or the chain
   * refused a user's submission.
   */
  #clears(txId: string): void {
    const n = this.#minedIn.get(txId);
    if (n === undefined && this.#promised.isRefused(txId)) return;
    if (this.#promised.mayBeErased(txId)) return;
    const missing = n === undefined ? ["any block"] : this.#missingFrom(n);
    for (const tier of missing)
      this.#world.broken(
        "4 persist first, clear last",
        `pending ${txId} is deleted, and it is not in ${tier}`,
      );
    if (
      n !== undefined &&
      !this.#spoilt.has(n) &&
      this.#present.kv.truth(kvKeys.transaction(txId)) === undefined
    )
      this.#world.broken("the index is true", `pending ${txId} is deleted, and KV does not say where it is`);
  }

  /**
   * Lists the tiers without this block. A pin that the service lost counts as kept, since the storage verifier restores
   * it.
   */
  #missingFrom(n: number): string[] {
    if (this.#spoilt.has(n)) return [];
    const { kv, r2 } = this.#present;
    return [
      ...(r2.truth(r2Keys.block(n)) ? [] : ["R2"]),
      ...(kv.truth(kvKeys.block(n)) === undefined ? ["KV"] : []),
      ...(this.#cids.has(n) ? [] : ["IPFS"]),
    ];
  }

  #refusePersonal(where: string, text: string): void {
    if (SPELLINGS.some((spelling) => text.includes(spelling)))
      this.#world.broken("8 nothing personal in public", where);
  }
}

function userIdOf(key: string): string | undefined {
  const prefix = kvKeys.user("");
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}
