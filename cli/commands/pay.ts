import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { AssetId, TxId } from "../../shared/chain/transaction.ts";
import { AnswerFailure } from "../http/answer-failure.ts";
import { Client, unreachable } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { localDataDirectory, readSecrets } from "../local/stack/data-directory.ts";
import { deliver } from "../local/stripe/deliver.ts";
import { syntheticCheckout } from "../local/stripe/synthetic.ts";
import { targetOf } from "../http/target.ts";
import { examples, ofSchema, urlOption, wholeNumber } from "./options.ts";

interface PayOptions {
  readonly asset?: string;
  readonly user?: string;
  readonly for?: string;
  readonly count: number;
  readonly url?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}

export function payCommand(): Command {
  return new Command("pay")
    .option("--asset <id>", "asset that is paid for; with --count, numbered -1, -2, …", ofSchema(AssetId))
    .option("--user <id>", "user who pays (stays private)")
    .option("--for <txId>", "submission that is paid for (client_reference_id)", ofSchema(TxId))
    .option("--count <n>", "how many payments", wholeNumber(1, 99_999), 1)
    .option("--no-wait", "don't wait until the transactions can be mined")
    .addOption(urlOption())
    .option("--json", "one JSON object a line, one for each payment")
    .addHelpText(
      "after",
      `
The webhook secret is STRIPE_WEBHOOK_SECRET; where that is not set, it is that of the local stack's data directory
(VDC_DATA_DIR, default .vdc).
${examples("pay", "pay --asset deed-17 --user alice", "pay --for vdc_tx_0123456789abcdef0123456789abcdef01234567", "pay --count 20 --json | jq -r .txId")}`,
    )
    .action(pay);
}

async function pay(options: PayOptions): Promise<void> {
  const stack = stackOf(options);
  const txIds: string[] = [];
  for (let i = 1; i <= options.count; i++) {
    const { asset } = options;
    const paidFor = asset === undefined || options.count === 1 ? asset : `${asset}-${i}`;
    const body = await payOnce(stack, { asset: paidFor, user: options.user, submission: options.for });
    txIds.push(body.txId);
    const line = [body.txId, body.type, paidFor].filter((text) => text !== undefined).join("  ");
    process.stdout.write(`${options.json ? JSON.stringify(body) : line}\n`);
  }
  if (options.wait) await untilKnown(stack.url, txIds);
}

interface TargetStack {
  readonly url: string;
  readonly secret: string;
}

function stackOf(options: PayOptions): TargetStack {
  const [given] = (process.env.STRIPE_WEBHOOK_SECRET ?? "").split(/[\s,]+/);
  return { url: targetOf(options.url).url, secret: given || localWebhookSecret() };
}

function localWebhookSecret(): string {
  try {
    return readSecrets(localDataDirectory()).STRIPE_WEBHOOK_SECRET;
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`${missing}, or set STRIPE_WEBHOOK_SECRET`, EXIT.refused);
  }
}

interface PaidFor {
  readonly asset: string | undefined;
  readonly user: string | undefined;
  readonly submission: string | undefined;
}

async function payOnce(
  { url, secret }: TargetStack,
  { asset, user, submission }: PaidFor,
): Promise<{ txId: string; type: string }> {
  const event = syntheticCheckout({
    seed: randomUUID(),
    created: Math.floor(Date.now() / 1_000),
    ...(asset !== undefined && { assetId: asset }),
    ...(user !== undefined && { userId: user }),
    ...(submission !== undefined && { clientReferenceId: submission }),
  });
  const { status, body } = await deliver(url, secret, event).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  const { txId, type, ignored } = body;
  if (status === 200 && txId !== undefined && type !== undefined) return { txId, type };
  if (ignored !== undefined)
    throw new CommandFailure(`the webhook ignored the event (${ignored}): docs/problems.md says why`);
  throw new AnswerFailure({ call: `POST ${url}/api/stripe/webhook`, status, location: null, body });
}

const PENDING_TIMEOUT_MS = 60_000;
/** The queue delivers a payment within a second. An earlier request would only find that it is not known. */
const QUEUE_WAIT_MS = 1_000;

/**
 * Waits until the payments are known: the webhook answers once the queue has a payment, and the payment is written a
 * moment later.
 */
async function untilKnown(url: string, txIds: readonly string[]): Promise<void> {
  const client = new Client(url);
  const deadline = Date.now() + PENDING_TIMEOUT_MS;
  await wait(QUEUE_WAIT_MS);
  for (const txId of txIds)
    for (;;) {
      const params = { txId };
      if ((await client.find("GET /api/vdc/transactions/:txId", { params })) !== undefined) break;
      if (Date.now() > deadline)
        throw new CommandFailure(
          `the webhook took the payments, but ${txId} is not pending after ${PENDING_TIMEOUT_MS / 1_000} seconds: look at the stack's log`,
        );
      await wait(500);
    }
}
