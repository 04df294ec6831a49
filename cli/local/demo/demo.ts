import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import { InvalidBlock } from "../../../shared/chain/block.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { VerifyAllResult } from "../../../shared/api/storage-report.ts";
import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
  type SyntheticEvent,
} from "../stripe/synthetic.ts";
import { reportRuntimes } from "../stack/runtimes.ts";
import { startStack, type Stack } from "../stack/stack.ts";
import { deliver, type DeliveryAnswer } from "../stripe/deliver.ts";
import { changeHands } from "./change-hands.ts";
import { damageStorage } from "./damage.ts";
import { expectThat, Story } from "./story.ts";
import type { VerifiedBlock } from "../../chain/verify.ts";
import { verifyTiers } from "./verify-tiers.ts";

/** `npm run demo`: payments become blocks, and every block is checked in every tier, on a throw-away chain. */
async function demo(stack: Stack, story: Story): Promise<void> {
  const created = Math.floor(Date.now() / 1_000);
  const deed = syntheticCheckout({
    seed: "deed",
    created,
    assetId: "deed-17",
    userId: "alice-the-user",
    email: "alice@example.com",
  });
  const will = syntheticCheckout({ seed: "will", created: created + 1, assetId: "will-3", userId: "bob" });
  const plain = syntheticCheckout({ seed: "plain", created: created + 2 });
  const delayed = syntheticCheckout({
    seed: "delayed",
    created: created + 3,
    assetId: "lease-8",
    paymentStatus: "unpaid",
  });
  const send = (event: SyntheticEvent) => deliverTaken(stack, event);

  story.title("Stripe delivers");
  const deedId = await story.step("a purchase of deed-17", () => send(deed), taken);
  await story.step("a purchase of will-3", () => send(will), taken);
  await story.step("a payment without an asset", () => send(plain), taken);
  const again = await story.step("the first event once more", () => send(deed), taken);
  expectThat(again.txId === deedId.txId, "the repeat was given another transaction id");
  const unpaid = await story.step(
    "a checkout that is not paid yet",
    () => send(delayed),
    ({ ignored }) => `ignored, ${ignored}`,
  );
  expectThat(unpaid.ignored === "not_paid_yet", "an unpaid checkout was taken");

  story.title("An operator approves");
  const first = await mineWhen(stack, story, 3);
  expectThat(
    first.blockNumber === 1 && first.transactions === 3,
    "block 1 should hold the three payments, each once",
  );

  story.title("The delayed payment arrives, and one is refunded");
  await story.step("the money for lease-8", () => send(asyncPaymentSucceeded(delayed)), taken);
  await story.step("a refund of will-3", () => send(syntheticRefund(will)), taken);
  const second = await mineWhen(stack, story, 2);
  expectThat(second.blockNumber === 2, "the second round should have made block 2");

  story.title("A stranger checks every block: KV, R2 and IPFS, byte by byte");
  const verifier = new ChainVerifier();
  const verified: VerifiedBlock[] = [];
  while (verifier.next <= second.blockNumber)
    verified.push(
      await story.step(`block ${verifier.next}`, () => verifyTiers(stack, verifier), describeBlock),
    );
  await story.step(
    "block 2 with one letter changed",
    () => refuseForgery(verified),
    (fault) => `refused, ${fault}`,
  );

  story.title("Storage is damaged, and an operator has it verified");
  await story.step("block 1 is lost from KV, a bit of block 2 flips in R2", () => damageStorage(stack));
  const mended = await story.step(
    "verify every byte in every tier",
    async () => v.parse(VerifyAllResult, await get(stack, "/api/storage-verify/verify-all", "POST")),
    ({ verified: sound, rehydrated, results }) =>
      `${sound} sound, ${rehydrated} restored: ${results.flatMap(({ message, status }) => (status === "rehydrated" ? [message.toLowerCase()] : [])).join("; ")}`,
  );
  expectThat(mended.rehydrated === 2 && mended.failed === 0, "the two damaged blocks were not restored");
  await story.step("both blocks once more, in all three places", async () => {
    const anew = new ChainVerifier();
    while (anew.next <= second.blockNumber) await verifyTiers(stack, anew);
  });

  story.title("What anyone can look up");
  await story.step(
    "deed-17",
    () => get(stack, "/api/vdc/assets/deed-17"),
    (asset) => `in block ${String(asset.vdcBlockNumber)}`,
  );
  const found = await story.step(
    `${deedId.txId}`,
    () => get(stack, `/api/vdc/transactions/${deedId.txId}`),
    (transaction) => `${String(transaction.state)}, block ${String(transaction.blockNumber)}`,
  );
  expectThat(found.state === "mined", "the first purchase is not mined");
  const latest = await get(stack, "/api/vdc/latest");
  expectThat(latest.blockNumber === 2 && latest.hash === second.hash, "vdc:latest does not name block 2");
  const everything = verified.map(({ bytes }) => fromUtf8(bytes)).join("");
  for (const privateText of ["alice@example.com", "buyer@example.com", deed.id, "alice-the-user"])
    expectThat(!everything.includes(privateText), `the public blocks contain "${privateText}"`);
  story.say(
    "No name, e-mail address, amount or Stripe id stands in any block: those are encrypted, and erasable.",
  );

  story.title("A signed asset changes hands");
  story.say("Registration is open here. A deployment asks for an activation token: REGISTRATION=token.");
  await changeHands(stack.url, story, (waiting) => mineWhen(stack, story, waiting));
}

interface Mined {
  readonly blockNumber: number;
  readonly hash: string;
  readonly ipfsHash: string;
  readonly transactions: number;
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
async function mineWhen(stack: Stack, story: Story, waiting: number): Promise<Mined> {
  await story.step(`${waiting} transactions wait, encrypted, in R2`, async () => {
    for (const deadline = Date.now() + 20_000; ; await wait(50)) {
      const pending = await get(stack, "/api/vdc/pending");
      if (pending.waiting === waiting) return;
      expectThat(Date.now() < deadline, `${String(pending.waiting)} transactions wait, not ${waiting}`);
    }
  });
  return story.step(
    "sign and mine",
    async () => (await get(stack, "/api/vdc/mine?wait=30", "POST")) as unknown as Mined,
    ({ blockNumber, transactions, hash, ipfsHash }) =>
      `block ${blockNumber}, ${transactions} transactions, ${hash.slice(0, 12)}…, ${ipfsHash}`,
  );
}

async function get(stack: Stack, path: string, method = "GET"): Promise<Record<string, unknown>> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { "x-admin-secret": stack.secrets.ADMIN_SECRET },
  });
  expectThat(
    response.status === 200,
    `${method} ${path} answered ${response.status}: ${await response.clone().text()}`,
  );
  return response.json();
}

function describeBlock({ block, bytes, cid }: VerifiedBlock): string {
  const kinds = block.transactions.map(({ type }) => type).join(", ");
  return `hash, Merkle root, signature, links and ${cid} agree in 3 places; ${bytes.length} bytes; ${kinds}`;
}

/** Forges the chain with another asset in its last block. @returns how the verifier detected the forgery */
async function refuseForgery(verified: readonly VerifiedBlock[]): Promise<string> {
  const verifier = new ChainVerifier();
  for (const { bytes } of verified.slice(0, -1)) await verifier.add(bytes);
  const forged = utf8(fromUtf8(verified.at(-1)?.bytes ?? new Uint8Array()).replace("lease-8", "lease-9"));
  const refusal = await verifier.add(forged).catch((error: unknown) => error);
  expectThat(refusal instanceof InvalidBlock, "a forged block was not refused");
  return refusal.fault;
}

async function run(): Promise<void> {
  const story = new Story();
  const dataDirectory = mkdtempSync(join(tmpdir(), "vdc-demo-"));
  story.title("Veritas Documents Chain: a Stripe payment becomes a signed block in KV, R2 and IPFS");
  try {
    const stack = await story.step(
      "start every Worker in a local workerd, and a pinning service",
      () =>
        startStack({ dataDirectory, port: 0, say: (line) => story.say(line), onRuntimes: reportRuntimes }),
      ({ url }) => url,
    );
    try {
      await demo(stack, story);
    } finally {
      await stack.stop();
    }
    story.end("All of it holds.");
    story.say(
      "Keep it running: npm start     Pay: npm run vdc -- pay --count 3     Test everything: npm test",
    );
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

try {
  await run();
  process.exit(0);
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
