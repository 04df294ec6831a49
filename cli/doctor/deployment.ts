import { operatorClient, type Answer, type Client } from "../client.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { counted } from "../output/words.ts";
import { finding, type Finding } from "./finding.ts";

const MOST_SKEW = 60_000; // milliseconds; Stripe's signatures bear 300 seconds

/** By the Date that Cloudflare's edge puts on every answer, to the second. @param now when the answer came */
export function checkClock({ headers }: Answer<unknown>, now: number): Promise<Finding> {
  return finding("clock", async () => {
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return "the deployment does not tell its time, as the local stack never does";
    const skew = now - date;
    if (Math.abs(skew) <= MOST_SKEW) return "agrees with the deployment's";
    const behindOrAhead = skew < 0 ? "behind" : "ahead of";
    throw new CommandFailure(
      `this machine's clock is ${counted(Math.round(Math.abs(skew) / 1_000), "second")} ${behindOrAhead} the deployment's: set it`,
    );
  });
}

interface Ready {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

/** What the deployment itself says of its parts. */
export async function checkParts(client: Client): Promise<readonly Finding[]> {
  let ready: Ready | undefined;
  const asked = await finding("ready", async () => {
    ready = (await client.ask<Ready>("GET", "/api/ready", { accept: [503] })).body;
    if (typeof ready.checks !== "object")
      throw new CommandFailure(
        "/api/ready does not say what it checked: deploy anew, or update",
        EXIT.unknown,
      );
    return "";
  });
  if (ready === undefined || asked.state !== "good") return [asked];
  return Promise.all(
    Object.entries(ready.checks).map(([name, { ok, detail }]) =>
      finding(`ready: ${name}`, async () => {
        if (!ok) throw new CommandFailure(detail ?? "it is not, and does not say why: see the log");
        return detail ?? "works";
      }),
    ),
  );
}

export function checkOperator(options: { readonly url?: string }): Promise<Finding> {
  return finding("operator", async () => {
    const { halted } = await operatorClient(options).get<{ halted: unknown }>("/api/vdc/status");
    return halted === null ? "the secret is accepted" : "the secret is accepted; the chain is halted";
  });
}
