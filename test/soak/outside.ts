import { setTimeout as wait } from "node:timers/promises";
import { deliver } from "../../cli/local/stripe/deliver.ts";
import type { Journal } from "./journal.ts";
import type { Post } from "./orders.ts";
import { HANG_AFTER_MS } from "../support/patience.ts";

const ATTEMPT = 30_000; // milliseconds for one request

export interface Target {
  readonly url: string;
  readonly stripeSecret: string;
  readonly adminSecret: string;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly txId?: string; readonly ignored?: string; readonly state?: string };
}

/** The clients: Stripe and users, who send again until they get an answer. */
export class Outside {
  readonly #target: () => Target;
  readonly #start: () => number;
  readonly #journal: Journal;
  readonly #signal: AbortSignal;

  /** @param start returns the number of stacks started so far */
  constructor(target: () => Target, start: () => number, journal: Journal, signal: AbortSignal) {
    this.#target = target;
    this.#start = start;
    this.#journal = journal;
    this.#signal = signal;
  }

  /** Sends until the answer is 2xx. If that never happens, notes a violation. */
  async post(post: Post): Promise<void> {
    const deadline = Date.now() + HANG_AFTER_MS;
    for (let pause = 50; ; pause = Math.min(1_000, pause * 2)) {
      this.#signal.throwIfAborted();
      const start = this.#start();
      const answer = await this.#attempt(post);
      if (typeof answer !== "string" && answer.status < 500) return this.#judge(post, answer, start);
      const why = typeof answer === "string" ? answer : `${answer.status} ${JSON.stringify(answer.body)}`;
      if (Date.now() > deadline) {
        this.#journal.violations.push(`${post.txId} was not taken in ${HANG_AFTER_MS / 1_000} s: ${why}`);
        return;
      }
      this.#journal.retries++;
      await wait(pause, undefined, { signal: this.#signal });
    }
  }

  /** @returns whether the chain head knows the transaction; undefined if the stack does not answer */
  async isKnown(txId: string): Promise<boolean | undefined> {
    const answer = await this.#request(`/api/vdc/transactions/${txId}`);
    if (typeof answer === "string" || answer.status >= 500) return undefined;
    if (answer.status === 404) return false;
    if (answer.status !== 200) this.#journal.violations.push(`${txId} is answered with ${answer.status}`);
    return answer.status === 200;
  }

  /** @returns the answer, or the reason why no answer came */
  async #attempt({ body }: Post): Promise<Answer | string> {
    if (body.kind === "submission")
      return this.#request("/api/vdc/transactions", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body.submission),
      });
    const { url, stripeSecret } = this.#target();
    return deliver(url, stripeSecret, body.event, this.#deadline()).catch(String);
  }

  async #request(path: string, init: RequestInit = {}): Promise<Answer | string> {
    try {
      const response = await fetch(this.#target().url + path, { ...init, signal: this.#deadline() });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      return String(error);
    }
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(ATTEMPT)]);
  }

  #judge(post: Post, { status, body }: Answer, start: number): void {
    const right = post.body.kind === "submission" ? 202 : 200;
    const asExpected = post.txId === null ? body.ignored !== undefined : body.txId === post.txId;
    if (status === right && asExpected) this.#journal.answer(post, start);
    else this.#journal.violations.push(`${post.txId} was answered with ${status} ${JSON.stringify(body)}`);
  }
}
