import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportRuntimes } from "../stack/runtimes.ts";
import { startStack, type Stack } from "../stack/stack.ts";
import { changeHands } from "./change-hands.ts";
import { lookUp, refusePrivateTexts, repairStorage, verifyEveryBlock } from "./checks.ts";
import { deliverPurchases, mineTwice, mineWhen, purchases } from "./payments.ts";
import { Story } from "./story.ts";

/** `npm run demo`: payments become blocks, and every block is checked in every tier, on a throw-away chain. */
async function demo(stack: Stack, story: Story): Promise<void> {
  const events = purchases(Math.floor(Date.now() / 1_000));
  const deedId = await deliverPurchases(stack, story, events);
  const last = await mineTwice(stack, story, events);
  const verified = await verifyEveryBlock(stack, story, last.blockNumber);
  await repairStorage(stack, story, last.blockNumber);
  await lookUp(stack, story, deedId, last);
  refusePrivateTexts(verified, ["alice@example.com", "buyer@example.com", events.deed.id, "alice-the-user"]);
  story.say(
    "No name, e-mail address, amount or Stripe id stands in any block: those are encrypted, and erasable.",
  );

  story.title("A signed asset changes hands");
  story.say("Registration is open here. A deployment asks for an activation token: REGISTRATION=token.");
  await changeHands(stack.url, story, (waiting) => mineWhen(stack, story, waiting));
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
