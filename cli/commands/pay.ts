import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { syntheticCheckout } from "../stripe/synthetic.ts";
import { CommandFailure } from "../failure.ts";
import { readSecrets } from "../local/secrets.ts";
import { ROOT } from "../local/workers.ts";
import { deliver } from "../stripe/deliver.ts";

interface PayOptions {
  readonly asset?: string;
  readonly user?: string;
  readonly count: number;
  readonly url: string;
  readonly json?: boolean;
}

export function payCommand(): Command {
  return new Command("pay")
    .description("send signed synthetic checkout events to a running stack, as Stripe would")
    .option("--asset <id>", "asset that is paid for; with --count, numbered -1, -2, …")
    .option("--user <id>", "user who pays (stays private)")
    .option("--count <n>", "how many payments", wholeNumber, 1)
    .option("--url <url>", "address of the stack", process.env.VDC_URL || "http://127.0.0.1:8787")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      `
The webhook secret is STRIPE_WEBHOOK_SECRET, or that of the stack's data directory (VDC_DATA_DIR, default .vdc).

Examples:
  npm run vdc -- pay
  npm run vdc -- pay --asset deed-17 --user alice
  npm run vdc -- pay --count 20`,
    )
    .action(pay);
}

async function pay({ asset, user, count, url, json }: PayOptions): Promise<void> {
  const secret = webhookSecret();
  for (let i = 1; i <= count; i++) {
    const assetId = asset === undefined || count === 1 ? asset : `${asset}-${i}`;
    const event = syntheticCheckout({
      seed: randomUUID(),
      created: Math.floor(Date.now() / 1_000),
      ...(assetId !== undefined && { assetId }),
      ...(user !== undefined && { userId: user }),
    });
    const { status, body } = await deliver(url, secret, event).catch((error: unknown) => {
      throw new CommandFailure(
        `${url} can't be reached (${String(error)}): start the stack with \`npm start\``,
      );
    });
    if (status !== 200)
      throw new CommandFailure(`the webhook answered ${status}: ${body.detail ?? JSON.stringify(body)}`);
    console.log(json ? JSON.stringify(body) : `${body.txId}  ${body.type}`);
  }
}

function webhookSecret(): string {
  const [given] = (process.env.STRIPE_WEBHOOK_SECRET ?? "").split(/[\s,]+/);
  if (given) return given;
  try {
    return readSecrets(process.env.VDC_DATA_DIR || join(ROOT, ".vdc")).STRIPE_WEBHOOK_SECRET;
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1 to 99999");
  return Number(text);
}
