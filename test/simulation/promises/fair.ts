import type { Stack } from "../platform/stack.ts";

interface WaitingRow {
  readonly id: string;
  readonly sequence: number;
}

/** In a larger block, the limit may be its bytes and not the number of its transactions. */
const MOST_COUNTED = 10;

/**
 * No flood delays a payment. While a payment waits that was approved before a block was reserved, half of that block is
 * paid transactions. If a block holds one transaction, each block with an even number is paid. So only earlier payments
 * delay a payment.
 *
 * The check leaves out paid transactions with `needs`, which may have to wait for another transaction, and blocks of
 * more than `MOST_COUNTED` transactions.
 */
export class Fairness {
  readonly #stack: Stack;
  /** Approved payments that waited when a miner staged this block, that is, before the next block was reserved. */
  #last: { readonly blockNumber: number; readonly waiting: readonly WaitingRow[] } | undefined;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** A miner stages this block, so its transactions are chosen. */
  staged(blockNumber: number): void {
    const { world } = this.#stack;
    const most = Number(this.#vars.BLOCK_MAX_TRANSACTIONS);
    // A restored chain head admits again, in another order and without the approvals.
    if (most > MOST_COUNTED || world.faults.has("storage lost")) return;
    const waiting = this.#rows<WaitingRow>(
      `SELECT id, sequence FROM tx WHERE state = 'pending' AND paid = 1 AND needs IS NULL AND sequence <=
       coalesce((SELECT CAST(value AS INTEGER) FROM fact WHERE name = 'approvedThrough'), 0)`,
    );
    if (this.#last?.blockNumber === blockNumber - 1) {
      const [taken] = this.#rows<{ n: number }>(
        `SELECT count(*) AS n FROM tx WHERE paid = 1 AND (block = ${blockNumber} OR set_aside_from = ${blockNumber})`,
      );
      const claim = most === 1 ? (blockNumber + 1) % 2 : Math.floor(most / 2);
      const passedOver = this.#last.waiting.find(({ id, sequence }) =>
        waiting.some((row) => row.id === id && row.sequence === sequence),
      );
      if (passedOver !== undefined && (taken?.n ?? 0) < claim)
        world.broken(
          "a payment is mined in its turn",
          `${passedOver.id} waits, and block ${blockNumber} holds ${taken?.n} of ${claim} payments`,
        );
    }
    if (this.#last?.blockNumber !== blockNumber) this.#last = { blockNumber, waiting };
  }

  get #vars(): { readonly BLOCK_MAX_TRANSACTIONS: string } {
    return this.#stack.worker("chain-head").env as { BLOCK_MAX_TRANSACTIONS: string };
  }

  #rows<Row>(query: string): Row[] {
    return this.#stack.object("ChainHead", this.#stack.chainId).rows<Row>(query);
  }
}
