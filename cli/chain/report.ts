import { untrustedBlocks, type UntrustedBlocks } from "../../shared/chain/signing-keys.ts";
import { transactionBytes } from "../../shared/chain/transaction.ts";
import { fromHex } from "../../shared/crypto/bytes.ts";
import { startProgress } from "../output/progress.ts";
import type { Fact } from "../output/table.ts";
import { time } from "../output/words.ts";
import type { ChainState } from "./state.ts";
import { untrustedText } from "./untrusted.ts";
import type { VerifiedBlock } from "./verify.ts";

/** The facts that were counted while a chain was verified. */
export interface ChainReport {
  readonly chainId: string;
  readonly blocks: number;
  readonly transactions: number;
  /** Number of transactions that a user signed. */
  readonly signedByUsers: number;
  readonly genesisHash: string;
  readonly latest: { readonly blockNumber: number; readonly hash: string; readonly timestamp: number };
  /** Blocks signed by a key that is revoked from such a block or an earlier one on. */
  readonly untrusted: readonly UntrustedBlocks[];
}

/**
 * Counts the verified blocks, and shows the progress. The report is complete once all blocks have passed. It covers all
 * blocks that the state has verified, and each block that has passed is saved in the state.
 */
export class ChainWatch {
  readonly #state: ChainState;
  #report: ChainReport | undefined;

  constructor(state: ChainState) {
    this.#state = state;
    this.#report = state.report;
  }

  async *watch(blocks: AsyncIterable<VerifiedBlock>, total: number): AsyncGenerator<VerifiedBlock> {
    const progress = startProgress({ doing: "verifying", total, of: "blocks" });
    try {
      for await (const verified of blocks) {
        const { block } = verified;
        const { chainId, blockNumber, hash, timestamp, transactions } = block;
        const signed = transactions.filter(({ signatures }) => signatures.user !== undefined).length;
        this.#report = {
          chainId,
          blocks: blockNumber + 1,
          transactions: (this.#report?.transactions ?? 0) + transactions.length,
          signedByUsers: (this.#report?.signedByUsers ?? 0) + signed,
          genesisHash: this.#report?.genesisHash ?? hash,
          latest: { blockNumber, hash, timestamp },
          untrusted: untrustedBlocks(this.#state.end?.keys ?? []),
        };
        this.#state.save(this.#report, verified.bytes, {
          hash: fromHex(hash),
          transactions: transactions.map(transactionBytes),
        });
        yield verified;
        progress.to(blockNumber + 1);
      }
    } finally {
      progress.end();
    }
  }

  get report(): ChainReport {
    if (this.#report === undefined) throw new Error("no block has passed by");
    return this.#report;
  }
}

/** The report as rows of `facts`. */
export function reportRows(report: ChainReport): Fact[] {
  const { chainId, blocks, transactions, signedByUsers, genesisHash, latest, untrusted } = report;
  return [
    ["chain", chainId],
    ["blocks", blocks],
    ["transactions", transactions],
    ["signed by users", signedByUsers],
    ["genesis", genesisHash],
    ["latest block", `${latest.blockNumber}, ${time(latest.timestamp)}`],
    ["its hash", latest.hash],
    ...untrusted.map((blocks) => ["not to be trusted", untrustedText(blocks)] as const),
  ];
}
