import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
  syntheticRefundEvent,
  type SyntheticCheckout,
  type SyntheticEvent,
} from "../../cli/local/stripe/synthetic.ts";
import type { Submission } from "../../shared/chain/submission.ts";
import { txIdOf } from "../support/independent-verifier.ts";
import type { Random } from "./random.ts";
import type { Submitters } from "./submitters.ts";

/** A request of a client. */
export interface Post {
  /**
   * The id of the transaction that it must become, computed here from docs/format.md; null for an event that does not
   * belong on the chain.
   */
  readonly txId: string | null;
  readonly body:
    | { readonly kind: "event"; readonly event: SyntheticEvent }
    | { readonly kind: "submission"; readonly submission: Submission };
}

/** The transaction that the chain must hold in the end. */
export interface Expected {
  readonly type: "payment" | "asset_creation" | "user_registration" | "refund" | "refund_failure";
  /** The chain mines one of several creations of an asset, and sets the others aside. */
  readonly assetId?: string;
}

/** Waves of requests. The requests of a wave are sent at once, after the wave before was answered. */
export interface Order {
  readonly waves: readonly (readonly Post[])[];
  readonly expects: ReadonlyMap<string, Expected>;
}

const KINDS = { plain: 54, asset: 28, free: 4, delayed: 7, refunded: 6, contested: 1, submission: 0.6 };
const SAME_EVENT_AGAIN = 0.15;
const OTHER_EVENT_TOO = 0.06;
const REFUND_FAILS = 0.3;
const MUCH_LATER_AGAIN = 0.12;

/** Makes the orders of a run. The seed decides them; only signed submissions contain the time of signing. */
export class Orders {
  readonly #random: Random;
  readonly #submitters: Submitters;
  readonly #name: string;
  readonly #since: number;
  readonly #past: Post[][] = [];
  readonly #assets: string[] = [];
  #made = 0;

  /** @param since the time of the first payment, seconds since the epoch */
  constructor(random: Random, submitters: Submitters, name: string, since: number) {
    this.#random = random;
    this.#submitters = submitters;
    this.#name = name;
    this.#since = since;
  }

  /** Makes a new order, with its repeats. */
  async next(): Promise<Order> {
    const random = this.#random;
    const kind = random.weighted(KINDS);
    if (kind === "submission") return this.#submission();
    const assetId = this.#assetFor(kind);
    const facts: SyntheticCheckout = {
      seed: `${this.#name}/${this.#made}`,
      created: this.#since + this.#made++,
      ...(assetId !== undefined && { assetId }),
      ...(kind === "free" && { paymentStatus: "no_payment_required" }),
    };
    const event = syntheticCheckout(facts);
    const txId = purchaseId(event);
    const paid = eventPost(txId, event);
    const expects = new Map<string, Expected>([
      [txId, assetId === undefined ? { type: "payment" } : { type: "asset_creation", assetId }],
    ]);
    const waves: Post[][] =
      kind === "delayed" ? this.#delayed(facts, txId) : this.#repeated(paid, txId, event);
    if (kind === "refunded") waves.push(...this.#refunds(event, txId, expects));
    this.#past.push([paid]);
    if (random.chance(MUCH_LATER_AGAIN)) waves.push([...random.pick(this.#past)]);
    return { waves, expects };
  }

  /** Returns a few earlier posts, to be sent again. */
  earlier(count: number): readonly Post[] {
    return this.#past.slice(-count).flat();
  }

  #assetFor(kind: keyof typeof KINDS): string | undefined {
    if (kind === "contested" && this.#assets.length > 0) return this.#random.pick(this.#assets);
    if (kind !== "asset" && kind !== "contested") return undefined;
    const assetId = `deed-${this.#made}`;
    this.#assets.push(assetId);
    return assetId;
  }

  #repeated(paid: Post, txId: string, event: SyntheticEvent): Post[][] {
    const random = this.#random;
    const first = [paid];
    if (random.chance(SAME_EVENT_AGAIN))
      first.push(...Array.from({ length: 1 + random.below(4) }, () => paid));
    if (!random.chance(OTHER_EVENT_TOO)) return [first];
    const other = eventPost(txId, asyncPaymentSucceeded(event));
    return random.pick([[[...first, other]], [first, [other]], [[other], first]]);
  }

  /** A completed checkout whose money comes later. */
  #delayed(facts: SyntheticCheckout, txId: string): Post[][] {
    const unpaid = syntheticCheckout({ ...facts, paymentStatus: "unpaid" });
    const ignored = eventPost(null, unpaid);
    const paid = eventPost(txId, asyncPaymentSucceeded(unpaid));
    return this.#random.pick([
      [[ignored], [paid]],
      [
        [ignored, ignored],
        [paid, paid],
      ],
      [[paid], [ignored]],
      [[ignored, paid]],
    ]);
  }

  /**
   * Stripe reports a refund twice: with the charge, which VDC accepts, and with the refund itself. A failed refund is
   * made again.
   */
  #refunds(event: SyntheticEvent, purchase: string, expects: Map<string, Expected>): Post[][] {
    const amounts = this.#random.chance(0.3)
      ? [{ refunded: 1_000 }, { refunded: 4_900, before: 1_000 }]
      : [{}];
    const waves = amounts.map((amount) => {
      const post = this.#refund(syntheticRefund(event, amount), purchase, expects);
      return this.#random.chance(SAME_EVENT_AGAIN) ? [post, post] : [post];
    });
    if (this.#random.chance(REFUND_FAILS)) waves.push(...this.#failedRefund(event, purchase, expects));
    return waves;
  }

  #failedRefund(event: SyntheticEvent, purchase: string, expects: Map<string, Expected>): Post[][] {
    const failed = (["refund.failed", "charge.refund.updated"] as const).map((type) =>
      syntheticRefundEvent(event, { type, status: "failed" }),
    );
    const txId = stripeTxId(`${failed[0]?.data.object.id as string}:failed`);
    expects.set(txId, { type: "refund_failure" });
    const created = syntheticRefundEvent(event, { type: "refund.created", status: "succeeded" });
    const refund = syntheticRefund(event);
    const again = { ...refund, id: `${refund.id}again`, created: refund.created + 5 * 86_400 };
    return [
      [eventPost(null, created)],
      failed.map((told) => eventPost(txId, told)),
      [this.#refund(again, purchase, expects)],
    ];
  }

  #refund(refund: SyntheticEvent, purchase: string, expects: Map<string, Expected>): Post {
    const { id, amount_refunded: refunded } = refund.data.object;
    const txId = stripeTxId(`${id as string}:refunded:${refunded as number}:${refund.created}`);
    if (txId === purchase) throw new Error("a refund must not have its purchase's id");
    expects.set(txId, { type: "refund" });
    return eventPost(txId, refund);
  }

  async #submission(): Promise<Order> {
    const repeated = this.#random.chance(0.3); // drawn before signing, because other orders are made meanwhile
    const { txId, submission, expected } = await this.#submitters.next(this.#made++);
    const post: Post = { txId, body: { kind: "submission", submission } };
    return {
      waves: [repeated ? [post, post] : [post]],
      expects: new Map([[txId, expected]]),
    };
  }
}

function eventPost(txId: string | null, event: SyntheticEvent): Post {
  return { txId, body: { kind: "event", event } };
}

// docs/format.md, "Transaction id"
function purchaseId({ data: { object } }: SyntheticEvent): string {
  return stripeTxId((object.payment_intent ?? object.id) as string);
}

function stripeTxId(object: string): string {
  return txIdOf({ source: "stripe", livemode: false, account: null, object });
}
