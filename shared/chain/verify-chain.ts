import { fromHex, hex } from "../crypto/bytes.ts";
import { cidV0 } from "../crypto/cid.ts";
import { Ledger, LEDGER_FAULT_TEXTS, ledgerKeysOf, type LedgerEntries, type LedgerKeys } from "./ledger.ts";
import { InvalidBlock, NO_PREVIOUS_HASH, readBlock, verifyBlock, type Block } from "./block.ts";
import { keysAfter, keysOfGenesis, lookupIn, type ChainKey } from "./signing-keys.ts";
import { append, historyRoot, type NodeStore } from "./history.ts";

/** The end of the verified part of a chain. It is JSON, and its size does not grow with the chain. */
export interface ChainEnd {
  readonly chainId: string;
  readonly genesisHash: string;
  /** Number of the next block. */
  readonly next: number;
  readonly hash: string;
  /** CIDv0 of the last block's bytes. */
  readonly cid: string;
  readonly timestamp: number;
  /** The chain's signing keys, the oldest first. All but the last are retired. */
  readonly keys: readonly ChainKey[];
  /** The complete subtrees of the history tree by `level/index`, each with its hash in hex. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** The results of all earlier blocks that the verification of the next block reads. */
export interface ChainMemory {
  /** `undefined` before genesis. */
  readonly end: ChainEnd | undefined;
  hasTransaction(id: string): boolean;
  /** The chain's ledger entries for these keys. Keys without an entry are left out. */
  ledger(keys: LedgerKeys): LedgerEntries;
  /** Adds the facts of a verified block. */
  add(block: {
    readonly end: ChainEnd;
    readonly transactionIds: readonly string[];
    readonly ledger: LedgerEntries;
  }): void;
}

/** Memory for chains whose ids all fit into this process. */
export class ChainMaps implements ChainMemory {
  end: ChainEnd | undefined;
  readonly #seen = new Set<string>();
  readonly #assets = new Map<string, LedgerEntries["assets"][number]>();
  readonly #users = new Map<string, LedgerEntries["users"][number]>();

  hasTransaction(id: string): boolean {
    return this.#seen.has(id);
  }

  ledger({ assetIds, userIds }: LedgerKeys): LedgerEntries {
    return {
      assets: assetIds.flatMap((id) => this.#assets.get(id) ?? []),
      users: userIds.flatMap((id) => this.#users.get(id) ?? []),
    };
  }

  add({ end, transactionIds, ledger }: Parameters<ChainMemory["add"]>[0]): void {
    for (const id of transactionIds) this.#seen.add(id);
    for (const asset of ledger.assets) this.#assets.set(asset.assetId, asset);
    for (const user of ledger.users) this.#users.set(user.userId, user);
    this.end = end;
  }
}

/** Verifies a chain block by block, from genesis or from where its memory ends. */
export class ChainVerifier {
  readonly #memory: ChainMemory;

  constructor(memory: ChainMemory = new ChainMaps()) {
    this.#memory = memory;
  }

  /** Number of the block that `add` takes next. */
  get next(): number {
    return this.#memory.end?.next ?? 0;
  }

  /** CID of the last verified block; `undefined` before genesis. */
  get cid(): string | undefined {
    return this.#memory.end?.cid;
  }

  /**
   * Verifies the next block against all earlier ones: its own claims, its links (previous hash and CID, history root), its
   * signing key (the one that the chain announced last), and a time that does not run backwards. Checks that no
   * transaction occurs twice, and the rules across transactions: who may create, transfer and register what, and which
   * keys may be announced and revoked.
   * Genesis vouches for its own keys; compare its hash with one known from elsewhere.
   * @throws InvalidBlock
   */
  async add(bytes: Uint8Array): Promise<Block> {
    const { end } = this.#memory;
    const number = end?.next ?? 0;
    const keys = end?.keys ?? keysOfGenesis(readBlock(bytes));
    const nodes = new Map(Object.entries(end?.nodes ?? {}));
    const block = await verifyBlock(
      bytes,
      {
        ...(end !== undefined && { chainId: end.chainId }),
        blockNumber: number,
        previousHash: end?.hash ?? NO_PREVIOUS_HASH,
        previousCid: end?.cid ?? null,
        historyRoot: hex(historyRoot(storeOf(nodes), number)),
      },
      lookupIn(keys),
    );
    this.#refuseOutOfPlace(block, end?.timestamp ?? 0);
    const ledger = this.#ledgerAfter(block);
    const announced = keysAfter(keys, block);
    const cid = await cidV0(bytes);

    // Appends only after all checks: a refused block must leave no trace.
    append(storeOf(nodes), number, fromHex(block.hash));
    this.#memory.add({
      end: {
        chainId: block.chainId,
        genesisHash: end?.genesisHash ?? block.hash,
        next: number + 1,
        hash: block.hash,
        cid,
        timestamp: block.timestamp,
        keys: announced,
        nodes: Object.fromEntries([...nodes].filter(([place]) => isComplete(place, number + 1))),
      },
      transactionIds: block.transactions.map(({ id }) => id),
      ledger,
    });
    return block;
  }

  #refuseOutOfPlace(block: Block, previousTimestamp: number): void {
    if (block.timestamp < previousTimestamp)
      throw new InvalidBlock("wrong_place", `block ${block.blockNumber} is older than the one before it`);
    const here = new Set<string>();
    for (const { id } of block.transactions) {
      if (this.#memory.hasTransaction(id) || here.has(id))
        throw new InvalidBlock("wrong_place", `${id} stands in the chain a second time`);
      here.add(id);
    }
  }

  /**
   * Applies the transactions to a copy of the entries that they touch, so the cost does not grow with the chain.
   * @returns these entries after the block
   */
  #ledgerAfter({ transactions }: Block): LedgerEntries {
    const keys = ledgerKeysOf(transactions);
    const trial = new Ledger(this.#memory.ledger(keys));
    for (const transaction of transactions) {
      const broken = trial.apply(transaction);
      if (broken !== undefined)
        throw new InvalidBlock("broken_rule", `${transaction.id} ${LEDGER_FAULT_TEXTS[broken]} (${broken})`);
    }
    return trial.entries(keys);
  }
}

function storeOf(nodes: Map<string, string>): NodeStore {
  return {
    get: (level, index) => {
      const node = nodes.get(`${level}/${index}`);
      if (node === undefined) throw new Error(`history node ${level}/${index} is not there`);
      return fromHex(node);
    },
    set: (level, index, hash) => void nodes.set(`${level}/${index}`, hex(hash)),
  };
}

/**
 * Keeps the largest complete subtrees of a tree of `size` leaves: one for each bit of its size. No later tree reads any
 * other node.
 */
function isComplete(place: string, size: number): boolean {
  const [level = 0, index = 0] = place.split("/").map(Number);
  const width = 2 ** level;
  return Math.floor(size / width) % 2 === 1 && index === Math.floor(size / width) - 1;
}
