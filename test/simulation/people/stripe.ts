import {
  signStripeBody,
  syntheticCheckout,
  type SyntheticEvent,
} from "../../../cli/local/stripe/synthetic.ts";
import type { Stack } from "../platform/stack.ts";
import type { Promised } from "../promises/promised.ts";
import { NoAnswer, request } from "./request.ts";

/** Part of every buyer's address. It must never appear in public. */
export const PERSONAL = "canary-of-a-buyer";

/** Seconds between Stripe's delivery attempts, for about three days in all. */
const ATTEMPTS = [0, 30, 120, 600, 3_600, 7_200, ...Array.from({ length: 22 }, () => 10_800)];

/** Buyers and Stripe. Stripe delivers each event until VDC accepts it, and now and then once more. */
export class Stripe {
  readonly #stack: Stack;
  readonly #promised: Promised;
  #events = 0;
  #undelivered = 0;

  constructor(stack: Stack, promised: Promised) {
    this.#stack = stack;
    this.#promised = promised;
  }

  /** The number of events that VDC has not accepted yet. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /**
   * A buyer buys, and Stripe delivers the event. @returns the payment's id once VDC accepts it; `undefined` if it never
   * does
   */
  buys(facts: { assetId?: string; pays?: string } = {}): Promise<string | undefined> {
    const { world } = this.#stack;
    const event = syntheticCheckout({
      seed: `${world.random.uint32()}-${this.#events++}`,
      created: Math.floor(world.now / 1_000),
      email: `${PERSONAL}-${this.#events}@example.com`,
      ...(facts.assetId !== undefined && { assetId: facts.assetId }),
      ...(facts.pays !== undefined && { clientReferenceId: facts.pays }),
    });
    const delivered = this.#deliver(event);
    while (world.strikes("stripe repeats", event.id))
      world.at(world.now + world.random.between(0, 86_400_000), () => void this.#deliver(event));
    return delivered;
  }

  async #deliver(event: SyntheticEvent): Promise<string | undefined> {
    const { world } = this.#stack;
    this.#undelivered++;
    for (const seconds of ATTEMPTS) {
      await world.sleep(seconds * 1_000);
      const txId = await this.#attempt(event);
      if (txId === undefined) continue;
      this.#undelivered--;
      return txId;
    }
    this.#undelivered--;
    world.broken("1 nothing is lost", `the webhook took ${event.id} in none of ${ATTEMPTS.length} attempts`);
    return undefined;
  }

  async #attempt(event: SyntheticEvent): Promise<string | undefined> {
    const { secrets, world } = this.#stack;
    const body = JSON.stringify(event);
    const signature = signStripeBody(body, secrets.STRIPE_WEBHOOK_SECRET, Math.floor(world.now / 1_000));
    try {
      const answer = await request(this.#stack, "/api/stripe/webhook", {
        method: "POST",
        headers: { "stripe-signature": signature, "content-type": "application/json" },
        body,
        patience: 20_000,
      });
      if (answer.status !== 200) return undefined;
      const { txId } = answer.json() as { txId: string };
      this.#promised.taken(txId, event.id);
      return txId;
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  }
}
