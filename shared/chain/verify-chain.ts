import { fromHex, hex } from "../crypto/bytes.ts";
import { InvalidBlock, NO_PREVIOUS_HASH, readBlock, verifyBlock, type Block } from "./block.ts";
import { append, historyRoot, type NodeStore } from "./history.ts";

/** What has been verified so far: all that is needed to verify the next block. */
export class ChainVerifier {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #keys = new Map<string, string>();
  readonly #seen = new Set<string>();
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
   * that the chain announced, time that does not run backwards, and no transaction a second time.
   * Genesis vouches for its own keys; compare its hash with one known from elsewhere.
   * @throws InvalidBlock
   */
  async add(bytes: Uint8Array): Promise<Block> {
    if (this.#next === 0) this.#trustGenesis(readBlock(bytes));
    const block = await verifyBlock(
      bytes,
      {
        ...(this.#chainId !== undefined && { chainId: this.#chainId }),
        blockNumber: this.#next,
        previousHash: this.#previousHash,
        historyRoot: hex(historyRoot(this.#store, this.#next)),
      },
      (keyId) => this.#keys.get(keyId),
    );
    if (block.timestamp < this.#previousTimestamp)
      throw new InvalidBlock("wrong_place", `block ${block.blockNumber} is older than the one before it`);
    for (const transaction of block.transactions) {
      if (this.#seen.has(transaction.id))
        throw new InvalidBlock("wrong_place", `${transaction.id} stands in the chain a second time`);
      this.#seen.add(transaction.id);
      if (transaction.type === "key_rotation")
        this.#keys.set(transaction.data.keyId, transaction.data.publicKey);
      if (transaction.type === "genesis" && block.blockNumber !== 0)
        throw new InvalidBlock("wrong_place", `block ${block.blockNumber} holds a genesis transaction`);
    }
    append(this.#store, this.#next, fromHex(block.hash));
    this.#next++;
    this.#previousHash = block.hash;
    this.#previousTimestamp = block.timestamp;
    return block;
  }

  #trustGenesis(block: Block): void {
    const [first] = block.transactions;
    if (first?.type !== "genesis" || block.transactions.length !== 1 || first.data.chainId !== block.chainId)
      throw new InvalidBlock("wrong_place", "block 0 must hold its genesis transaction and nothing else");
    this.#chainId = block.chainId;
    for (const { keyId, publicKey } of first.data.signingKeys) this.#keys.set(keyId, publicKey);
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
