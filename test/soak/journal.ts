import type { Expected, Order, Post } from "./orders.ts";

interface Answered {
  readonly post: Post;
  /** The number of starts when the request was sent. A later start may have answered it. */
  readonly start: number;
}

/** The promises to clients, and which of them the chain head has confirmed. */
export class Journal {
  /** The expected results, by transaction id. */
  readonly expected = new Map<string, Expected>();
  /** Transactions that were answered with 2xx, and that the chain head has not confirmed yet. */
  readonly answered = new Map<string, Answered>();
  /** Transactions that the chain head has confirmed at least once. */
  readonly seen = new Set<string>();
  /** Requests that were answered with 2xx. */
  requests = 0;
  /** The number of these requests whose transaction had been answered before. */
  repeats = 0;
  /** The number of attempts that failed and were repeated. */
  retries = 0;
  /** The number of messages that a killed stack's queue lost, and that were sent again. */
  requeued = 0;
  readonly violations: string[] = [];
  readonly #everAnswered = new Set<string>();

  expect(order: Order): void {
    for (const [txId, expected] of order.expects) this.expected.set(txId, expected);
  }

  /** @param start the number of starts when the request was sent */
  answer(post: Post, start: number): void {
    this.requests++;
    const { txId } = post;
    if (txId === null) return;
    if (this.#everAnswered.has(txId)) this.repeats++;
    this.#everAnswered.add(txId);
    if (!this.seen.has(txId)) this.answered.set(txId, { post, start });
  }

  see(txId: string): void {
    this.seen.add(txId);
    this.answered.delete(txId);
  }
}
