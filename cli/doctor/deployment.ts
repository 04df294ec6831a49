import type { StorageStatus } from "../../shared/api/storage-report.ts";
import { haltedText } from "../../shared/api/halted-text.ts";
import type { Readiness } from "../../shared/api/health.ts";
import type { PipelineStatus } from "../../shared/api/status.ts";
import { operatorClient, type HttpAnswer, type Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { counted, time } from "../output/words.ts";
import { requireCompleteCopies } from "../storage/require-valid.ts";
import { finding, Warning, type Finding } from "./finding.ts";

const MAX_SKEW_MS = 60_000; // Stripe's signatures allow 300 seconds

/**
 * Compares this machine's clock with the Date header of Cloudflare's edge, to the second.
 * @param now the time of the answer
 */
export function checkClock({ headers }: HttpAnswer<unknown>, now: number): Promise<Finding> {
  return finding("clock", async () => {
    const date = Date.parse(headers.get("date") ?? "");
    if (Number.isNaN(date)) return "the deployment does not tell its time, as the local stack never does";
    const skew = now - date;
    if (Math.abs(skew) <= MAX_SKEW_MS) return "agrees with the deployment's";
    const behindOrAhead = skew < 0 ? "behind" : "ahead of";
    throw new CommandFailure(
      `this machine's clock is ${counted(Math.round(Math.abs(skew) / 1_000), "second")} ${behindOrAhead} the deployment's: set it`,
    );
  });
}

/** Reads what the deployment reports of its own parts. */
export async function checkParts(client: Client): Promise<readonly Finding[]> {
  let ready: Readiness | undefined;
  const answer = await finding("ready", async () => {
    ready = await client.call("GET /api/ready", { accept: [503] });
    if (typeof ready.checks !== "object")
      throw new CommandFailure(
        "/api/ready does not say what it checked: deploy anew, or update",
        EXIT.unknown,
      );
    return "";
  });
  if (ready === undefined || answer.state !== "good") return [answer];
  return Promise.all(
    Object.entries(ready.checks).map(([name, { ok, detail }]) =>
      finding(`ready: ${name}`, async () => {
        if (!ok) throw new CommandFailure(detail ?? "it is not, and does not say why: see the log");
        return detail ?? "works";
      }),
    ),
  );
}

/** Checks that the operator's secret is accepted, and shows what an operator sees with it. */
export async function checkOperator(options: { readonly url?: string }): Promise<readonly Finding[]> {
  let status: PipelineStatus | undefined;
  const operator = await finding("operator", async () => {
    status = await operatorClient(options).call("GET /api/vdc/status");
    return "the secret is accepted";
  });
  if (status === undefined) return [operator];
  const { halted, alerts } = status;
  return [
    operator,
    await finding("halted", async () => {
      if (halted !== null) throw new CommandFailure(haltedText(halted));
      return "the chain is not halted";
    }),
    await finding("alerts", async () => {
      if (alerts === null) throw new CommandFailure("the monitor can't be read: ask again", EXIT.unknown);
      if (alerts.length > 0)
        throw new CommandFailure(alerts.map(({ alert, summary }) => `${alert}: ${summary}`).join(" · "));
      return "none fires";
    }),
  ];
}

const MOST_LETTERS = 100;

export function checkDeadLetters(options: { readonly url?: string }): Promise<Finding> {
  return finding("dead letters", async () => {
    const { entries } = await operatorClient(options).call("GET /api/dead-letters", {
      query: { state: "open", limit: MOST_LETTERS },
    });
    if (entries.length === 0) return "none is open";
    const open = `${counted(entries.length, "dead letter")}${entries.length === MOST_LETTERS ? " or more" : ""} open`;
    throw new CommandFailure(
      entries.every(({ replaysItself }) => replaysItself)
        ? `${open}: they replay themselves when their stage works again; \`vdc status\` says what fails`
        : `${open}: \`vdc dead-letters list --state open\` says why; mend the cause, then replay or dismiss them`,
    );
  });
}

/** Number of newest blocks whose presence is checked in every tier: as many as one call lists. */
const NEWEST_BLOCKS = 1_000;
const DAY_MS = 86_400_000;
/** The verification runs every day. */
const VERIFICATION_MISSED_AFTER_MS = 3 * DAY_MS;
const VERIFICATION_OLD_AFTER_MS = 90 * DAY_MS;

/**
 * Reports which blocks the tiers list, and the results of the latest verifications.
 * @param now milliseconds since the epoch
 */
export async function checkStorage(
  options: { readonly url?: string },
  now: number,
): Promise<readonly Finding[]> {
  let status: StorageStatus | undefined;
  const blocks = await finding("blocks", async () => {
    const client = operatorClient(options);
    const ask = (from: number, limit: number) =>
      client.call("GET /api/storage-verify/status", { query: { from, limit } });
    const { totalBlocks } = await ask(0, 1);
    status = await ask(Math.max(0, totalBlocks - NEWEST_BLOCKS), NEWEST_BLOCKS);
    requireCompleteCopies({ ...status, documents: null });
    return `${counted(status.blocks.length, "block")}, the newest, are listed by every tier; of all ${totalBlocks}, none was found incomplete`;
  });
  if (status === undefined) return [blocks];
  const { totalBlocks, verification } = status;
  return [
    blocks,
    await finding("private parts", async () => {
      const { withoutPrivateParts } = verification;
      if (withoutPrivateParts > 0)
        throw new CommandFailure(
          `R2 lacks private parts of ${counted(withoutPrivateParts, "block")}, and no tier has another copy: \`vdc storage runs <id>\` names the blocks; bring the parts from an export with \`vdc storage bring-records\``,
        );
      return "none was found missing";
    }),
    await finding("verification", async () => verificationText(totalBlocks, verification, now)),
  ];
}

/** @throws CommandFailure unless everything was verified recently */
export function verificationText(
  totalBlocks: number,
  { lastRun, verifiedSince }: StorageStatus["verification"],
  now: number,
): string {
  if (totalBlocks === 0) return "no block yet";
  if (lastRun === null)
    throw new Warning("no verification has run yet: `vdc storage verify-all` reads every byte in every tier");
  if (lastRun.state === "failed" || lastRun.state === "aborted")
    throw new CommandFailure(
      `the last verification was ${lastRun.state}: \`vdc storage runs ${lastRun.id}\` says why; then \`vdc storage verify-all\``,
    );
  if (now - lastRun.startedAt > VERIFICATION_MISSED_AFTER_MS)
    throw new Warning(
      `the last verification began ${time(lastRun.startedAt)}, though one is due each day: see the cron of storage-verifier, or run \`vdc storage verify-all\``,
    );
  if (verifiedSince !== null && now - verifiedSince > VERIFICATION_OLD_AFTER_MS)
    throw new Warning(
      `some blocks were verified last before ${time(verifiedSince)}: raise VERIFY_BLOCKS_A_DAY, or run \`vdc storage verify-all\``,
    );
  return `the last one began ${time(lastRun.startedAt)}; every block verified since ${time(verifiedSince) ?? "never: the first round is not over"}`;
}

/** Reports the results of the latest verification of each document. */
export function checkDocuments(options: { readonly url?: string }): Promise<Finding> {
  return finding("documents", async () => {
    const { documents } = await operatorClient(options).call("GET /api/storage-verify/status", {
      query: { limit: 1 },
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
