import { fromHex, hex } from "../crypto/bytes.ts";
import { Ledger, LEDGER_FAULT_TEXTS, ledgerKeysOf } from "./ledger.ts";
import { InvalidBlock, NO_PREVIOUS_HASH, readBlock, verifyBlock, type Block } from "./block.ts";
import { keysOfGenesis, rotatedIn } from "./signing-keys.ts";
import type { SigningKey } from "./transaction.ts";
import { append, historyRoot, type NodeStore } from "./history.ts";

/** What has been verified so far: all that is needed to verify the next block. */
export class ChainVerifier {
  readonly #nodes = new Map<string, Uint8Array>();
  #keys: ReadonlyMap<string, string> = new Map();
  readonly #seen = new Set<string>();
  readonly #ledger = new Ledger();
  #chainId: string | undefined;
  #next = 0;
  #previousHash = NO_PREVIOUS_HASH;
  #previousTimestamp = 0;

  /** Number of the block to give to `add` next. */
  get next(): number {
    return this.#next;
  }

  /**
   * Verifies the next block against all before it: its own claims, its links (previous hash, history root), a key
   * that the chain announced, time that does not run backwards, no transaction a second time, and the rules across
   * transactions: who may create, transfer and register what.
   * Genesis vouches for its own keys; compare its hash with one known from elsewhere.
   * @throws InvalidBlock
   */
  async add(bytes: Uint8Array): Promise<Block> {
    const trusted = this.#next === 0 ? keyMap(keysOfGenesis(readBlock(bytes))) : this.#keys;
    const block = await verifyBlock(
      bytes,
      {
        ...(this.#chainId !== undefined && { chainId: this.#chainId }),
        blockNumber: this.#next,
        previousHash: this.#previousHash,
        historyRoot: hex(historyRoot(this.#store, this.#next)),
      },
      (keyId) => trusted.get(keyId),
    );
    this.#refuseOutOfPlace(block);
    this.#refuseBrokenRules(block);

    // Only now, for a block that is refused must leave no trace.
    this.#keys = new Map([...trusted, ...keyMap(rotatedIn(block))]);
    for (const transaction of block.transactions) {
      this.#seen.add(transaction.id);
      this.#ledger.apply(transaction);
    }
    append(this.#store, this.#next, fromHex(block.hash));
    this.#chainId = block.chainId;
    this.#next++;
    this.#previousHash = block.hash;
    this.#previousTimestamp = block.timestamp;
    return block;
  }

  #refuseOutOfPlace(block: Block): void {
    if (block.timestamp < this.#previousTimestamp)
      throw new InvalidBlock("wrong_place", `block ${block.blockNumber} is older than the one before it`);
    const here = new Set<string>();
    for (const { id, type } of block.transactions) {
      if (this.#seen.has(id) || here.has(id))
        throw new InvalidBlock("wrong_place", `${id} stands in the chain a second time`);
      if (type === "genesis" && block.blockNumber !== 0)
        throw new InvalidBlock("wrong_place", `block ${block.blockNumber} holds a genesis transaction`);
      here.add(id);
    }
  }

  /** Tried on a copy of what the block's transactions touch, however long the chain is. */
  #refuseBrokenRules({ transactions }: Block): void {
    const trial = new Ledger(this.#ledger.entries(ledgerKeysOf(transactions)));
    for (const transaction of transactions) {
      const broken = trial.apply(transaction);
      if (broken !== undefined)
        throw new InvalidBlock("broken_rule", `${transaction.id} ${LEDGER_FAULT_TEXTS[broken]} (${broken})`);
    }
  }

  readonly #store: NodeStore = {
    get: (level, index) => {
      const node = this.#nodes.get(`${level}/${index}`);
      if (node === undefined) throw new Error(`history node ${level}/${index} is not there`);
      return node;
    },
    set: (level, index, hash) => void this.#nodes.set(`${level}/${index}`, hash),
  };
}

function keyMap(keys: readonly SigningKey[]): ReadonlyMap<string, string> {
  return new Map(keys.map(({ keyId, publicKey }) => [keyId, publicKey]));
}
