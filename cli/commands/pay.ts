import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { AssetId } from "../../shared/chain/transaction.ts";
import { CommandFailure } from "../failure.ts";
import { localDataDirectory, readSecrets, readStackUrl } from "../local/data-directory.ts";
import { deliver } from "../stripe/deliver.ts";
import { syntheticCheckout } from "../stripe/synthetic.ts";

interface PayOptions {
  readonly asset?: string;
  readonly user?: string;
  readonly count: number;
  readonly url?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}

export function payCommand(): Command {
  return new Command("pay")
    .description("send signed synthetic checkout events to a running stack, as Stripe would")
    .option("--asset <id>", "asset that is paid for; with --count, numbered -1, -2, …", assetId)
    .option("--user <id>", "user who pays (stays private)")
    .option("--count <n>", "how many payments", wholeNumber, 1)
    .option("--url <url>", "address of the stack (default: where the local one runs)", url)
    .option("--no-wait", "don't wait until the transactions can be mined")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      `
The webhook secret is STRIPE_WEBHOOK_SECRET, and the address VDC_URL; where they are not set, those of the local stack's
data directory (VDC_DATA_DIR, default .vdc).

Examples:
  npm run vdc -- pay
  npm run vdc -- pay --asset deed-17 --user alice
  npm run vdc -- pay --count 20`,
    )
    .action(pay);
}

async function pay(options: PayOptions): Promise<void> {
  const stack = stackOf(options);
  const txIds: string[] = [];
  for (let i = 1; i <= options.count; i++) {
    const { asset } = options;
    const paidFor = asset === undefined || options.count === 1 ? asset : `${asset}-${i}`;
    const body = await payOnce(stack, paidFor, options.user);
    txIds.push(body.txId);
    const line = [body.txId, body.type, paidFor].filter((text) => text !== undefined).join("  ");
    console.log(options.json ? JSON.stringify(body) : line);
  }
  if (options.wait) await untilKnown(stack.url, txIds);
}

interface TargetStack {
  readonly url: string;
  readonly secret: string;
}

function stackOf(options: PayOptions): TargetStack {
  const [given] = (process.env.STRIPE_WEBHOOK_SECRET ?? "").split(/[\s,]+/);
  const dataDirectory = localDataDirectory();
  try {
    return {
      url: options.url || process.env.VDC_URL || readStackUrl(dataDirectory),
      secret: given || readSecrets(dataDirectory).STRIPE_WEBHOOK_SECRET,
    };
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  }
}

async function payOnce(
  { url, secret }: TargetStack,
  asset?: string,
  user?: string,
): Promise<{ txId: string; type: string }> {
  const event = syntheticCheckout({
    seed: randomUUID(),
    created: Math.floor(Date.now() / 1_000),
    ...(asset !== undefined && { assetId: asset }),
    ...(user !== undefined && { userId: user }),
  });
  const { status, body } = await deliver(url, secret, event).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  const { txId, type, detail } = body;
  if (status === 200 && txId !== undefined && type !== undefined) return { txId, type };
  throw new CommandFailure(`the webhook answered ${status}: ${detail ?? JSON.stringify(body)}`);
}

const PATIENCE = 20_000; // milliseconds

/** The webhook answers once the queue has a payment; a moment later it is written, and can be mined. */
async function untilKnown(url: string, txIds: readonly string[]): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (const txId of txIds)
    for (;;) {
      const { status } = await fetch(`${url}/api/vdc/transactions/${txId}`).catch((error: unknown) => {
        throw unreachable(url, error);
      });
      if (status === 200) break;
      if (Date.now() > deadline)
        throw new CommandFailure(
          `the webhook took the payments, but ${txId} is not pending after ${PATIENCE / 1_000} seconds: look at the stack's log`,
        );
      await wait(100);
    }
}

function unreachable(url: string, error: unknown): CommandFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandFailure(
    `${url} can't be reached (${why}): start the stack with \`npm start\`, or give its --url`,
  );
}

function url(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new InvalidArgumentError("expected a URL, http://… or https://…");
  return text.replace(/\/+$/, "");
}

function assetId(text: string): string {
  const parsed = v.safeParse(AssetId, text);
  if (!parsed.success) throw new InvalidArgumentError(parsed.issues[0].message);
  return parsed.output;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1 to 99999");
  return Number(text);
}
