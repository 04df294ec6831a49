import type { StorageStatus } from "../../shared/storage/report.ts";
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

/** What the latest verification of each document found. */
export function checkDocuments(options: { readonly url?: string }): Promise<Finding> {
  return finding("documents", async () => {
    const { documents } = await operatorClient(options).get<StorageStatus>("/api/storage-verify/status", {
      limit: 1,
    });
    if (documents === null)
      throw new CommandFailure("their index is being made anew: ask again in a few seconds", EXIT.unknown);
    const { total, failed, partial, unverified } = documents;
    if (failed > 0)
      throw new CommandFailure(
        `${counted(failed, "document")} of ${total} can be read neither from R2 nor from IPFS: \`vdc storage documents --status failed\` names them; bring them from an export with \`vdc storage bring-documents\``,
      );
    if (partial > 0)
      throw new CommandFailure(
        `${counted(partial, "document")} of ${total} are not whole in R2 and on IPFS: run \`vdc storage verify-all\``,
      );
    const verified =
      unverified > 0 ? `${unverified} not verified yet` : "whole in R2 and on IPFS when last verified";
    return `${counted(total, "document")}, ${verified}`;
  });
}
