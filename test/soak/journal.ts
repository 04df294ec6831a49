import type { Expected, Order, Post } from "./orders.ts";

interface Answered {
  readonly post: Post;
  /** The number of starts when the request was sent. A later start may have answered it. */
  readonly start: number;
}

/** What was promised to those outside, and how much of it has been seen since. */
export class Journal {
  /** By transaction id. */
  readonly expected = new Map<string, Expected>();
  /** Answered with 2xx, and not yet seen in the chain head. */
  readonly answered = new Map<string, Answered>();
  /** The chain head has told of it, once at least. */
  readonly seen = new Set<string>();
  /** Requests that were answered with 2xx. */
  requests = 0;
  /** Of these, those of a transaction that had been answered before. */
  repeats = 0;
  /** Attempts that failed, and were made again. */
  retries = 0;
  /** Taken by a queue that died with the stack, and put in again. */
  requeued = 0;
  readonly violations: string[] = [];
  readonly #everAnswered = new Set<string>();

  expect(order: Order): void {
    for (const [txId, expected] of order.expects) this.expected.set(txId, expected);
  }

  /** @param start that ran when the request was sent */
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
