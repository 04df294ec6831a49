import { untrustedBlocks, type UntrustedBlocks } from "../../shared/chain/signing-keys.ts";
import { startProgress } from "../output/progress.ts";
import type { Fact } from "../output/table.ts";
import { time } from "../output/words.ts";
import type { ChainState } from "./state.ts";
import { untrustedText } from "./untrusted.ts";
import type { VerifiedBlock } from "./verify.ts";

/** What was seen of a chain while it was verified. */
export interface ChainReport {
  readonly chainId: string;
  readonly blocks: number;
  readonly transactions: number;
  /** Those of them that a user signed. */
  readonly signedByUsers: number;
  readonly genesisHash: string;
  readonly latest: { readonly blockNumber: number; readonly hash: string; readonly timestamp: number };
  /** Signed by a key that is revoked from an earlier block on. */
  readonly untrusted: readonly UntrustedBlocks[];
}

/**
 * Counts the blocks that pass by, and shows how far they have come. The report is whole once all have passed. The
 * report is of all that the state has verified, and each block that has passed is saved in it.
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
        this.#state.save(this.#report, verified.bytes);
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

/** As rows of `facts`. */
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
