import { setTimeout as wait } from "node:timers/promises";
import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
  type SyntheticEvent,
} from "../stripe/synthetic.ts";
import type { MinedBlock } from "../../../shared/api/mine.ts";
import type { Stack } from "../stack/stack.ts";
import { deliver, type DeliveryAnswer } from "../stripe/deliver.ts";
import { operatorOf } from "./operator.ts";
import { expectThat, type Story } from "./story.ts";

export function purchases(created: number) {
  return {
    deed: syntheticCheckout({
      seed: "deed",
      created,
      assetId: "deed-17",
      userId: "alice-the-user",
      email: "alice@example.com",
    }),
    will: syntheticCheckout({ seed: "will", created: created + 1, assetId: "will-3", userId: "bob" }),
    plain: syntheticCheckout({ seed: "plain", created: created + 2 }),
    delayed: syntheticCheckout({
      seed: "delayed",
      created: created + 3,
      assetId: "lease-8",
      paymentStatus: "unpaid",
    }),
  };
}

type Purchases = ReturnType<typeof purchases>;

/** @returns the transaction id of the purchase of deed-17 */
export async function deliverPurchases(
  stack: Stack,
  story: Story,
  { deed, will, plain, delayed }: Purchases,
): Promise<string> {
  const send = (event: SyntheticEvent) => deliverTaken(stack, event);
  story.title("Stripe delivers");
  const { txId } = await story.step("a purchase of deed-17", () => send(deed), taken);
  await story.step("a purchase of will-3", () => send(will), taken);
  await story.step("a payment without an asset", () => send(plain), taken);
  const again = await story.step("the first event once more", () => send(deed), taken);
  expectThat(txId !== undefined && again.txId === txId, "the repeat was given another transaction id");
  const unpaid = await story.step(
    "a checkout that is not paid yet",
    () => send(delayed),
    ({ ignored }) => `ignored, ${ignored}`,
  );
  expectThat(unpaid.ignored === "not_paid_yet", "an unpaid checkout was taken");
  return txId;
}

/** Mines the purchases, then the money that arrives later and a refund. @returns the last block */
export async function mineTwice(
  stack: Stack,
  story: Story,
  { will, delayed }: Purchases,
): Promise<MinedBlock> {
  story.title("An operator approves");
  const first = await mineWhen(stack, story, 3);
  expectThat(
    first.blockNumber === 1 && first.transactions === 3,
    "block 1 should hold the three payments, each once",
  );
  story.title("The delayed payment arrives, and one is refunded");
  await story.step("the money for lease-8", () => deliverTaken(stack, asyncPaymentSucceeded(delayed)), taken);
  await story.step("a refund of will-3", () => deliverTaken(stack, syntheticRefund(will)), taken);
  const second = await mineWhen(stack, story, 2);
  expectThat(second.blockNumber === 2, "the second round should have made block 2");
  return second;
}

async function deliverTaken(stack: Stack, event: SyntheticEvent): Promise<DeliveryAnswer> {
  const { status, body } = await deliver(stack.url, stack.secrets.STRIPE_WEBHOOK_SECRET, event);
  expectThat(status === 200, `the webhook answered ${status}: ${body.detail}`);
  return body;
}

function taken({ txId, type }: DeliveryAnswer): string {
  return `${type} ${txId?.slice(0, 17)}…`;
}

/** Waits until the given number of transactions is in R2 and known to the chain head, then mines them. */
export async function mineWhen(stack: Stack, story: Story, waiting: number): Promise<MinedBlock> {
  const client = operatorOf(stack);
  await story.step(`${waiting} transactions wait, encrypted, in R2`, async () => {
    for (const deadline = Date.now() + 20_000; ; await wait(50)) {
      const pending = await client.call("GET /api/vdc/pending");
      if (pending.waiting === waiting) return;
      expectThat(Date.now() < deadline, `${pending.waiting} transactions wait, not ${waiting}`);
    }
  });
  return story.step(
    "sign and mine",
    async () => {
      const mined = await client.call("POST /api/vdc/mine", { query: { wait: 30 }, timeoutMs: 60_000 });
      expectThat("hash" in mined, `no block was made: ${JSON.stringify(mined)}`);
      return mined;
    },
    ({ blockNumber, transactions, hash, ipfsHash }) =>
      `block ${blockNumber}, ${transactions} transactions, ${hash.slice(0, 12)}…, ${ipfsHash}`,
  );
}
