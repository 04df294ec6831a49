import { Command } from "commander";
import { haltedText } from "../../shared/api/halted-text.ts";
import type { PipelineStatus } from "../../shared/api/status.ts";
import { operatorClient } from "../http/client.ts";
import { show } from "../output/show.ts";
import { facts, table } from "../output/table.ts";
import { age, time } from "../output/words.ts";
import { connected, examples, type Connected } from "./options.ts";

export function statusCommand(): Command {
  return connected(new Command("status"))
    .addHelpText("after", examples("status", "status --json | jq .counts.waiting"))
    .action(async (options: Connected) => {
      const status = await operatorClient(options).call("GET /api/vdc/status");
      show(options, status, (shown) => statusText(shown, Date.now()));
    });
}

/** @param now milliseconds since the epoch */
export function statusText(status: PipelineStatus, now: number): string {
  const { halted, inFlight, failures } = status;
  return [
    facts([
      ["latest block", status.latest],
      ["halted", halted === null ? "no" : `since ${time(halted.at)}. ${haltedText(halted)}`],
      ...Object.entries(status.counts).map(([name, count]) => [words(name), count] as const),
      ["oldest waiting", age(status.oldestWaitingSeconds)],
      ["events ignored", tally(status.ignored)],
    ]),
    ...(inFlight.length === 0
      ? []
      : [
          "",
          table(
            ["block in flight", "state", "next stage", "transactions", "age"],
            inFlight.map(({ blockNumber, state, stage, transactions, ageSeconds }) => [
              blockNumber,
              state,
              stage,
              transactions,
              age(ageSeconds),
            ]),
          ),
        ]),
    "",
    table(
      ["queue", "messages", "oldest since"],
      Object.entries(status.queues).map(([queue, { messages, oldestAt }]) => [
        queue,
        messages,
        time(oldestAt),
      ]),
    ),
    ...retriesText(status.retries, now),
    ...alertsText(status.alerts),
    ...(failures.length === 0
      ? []
      : [
          "",
          table(
            ["set aside", "at", "reason", "error"],
            failures.map(({ txId, at, reason, error }) => [txId, time(at), reason, error]),
          ),
        ]),
  ].join("\n");
}

/** Stages whose latest failure is not over: a retry is still to come, or no message has been processed since. */
function retriesText(retries: PipelineStatus["retries"], now: number): string[] {
  if (retries === null) return ["", "what each stage retries: not known, for the monitor can't be read"];
  const lasting = retries.filter(
    ({ at, nextRetryAt, lastDoneAt }) => (nextRetryAt ?? 0) > now || (lastDoneAt ?? 0) < at,
  );
  if (lasting.length === 0) return [];
  return [
    "",
    table(
      ["stage that failed", "at", "attempt", "next retry", "error"],
      lasting.map(({ stage, at, attempts, nextRetryAt, error }) => [
        stage,
        time(at),
        attempts,
        nextRetryAt === null ? "given up: dead letter" : time(nextRetryAt),
        error.replace(/^\w*Error: /, ""),
      ]),
    ),
  ];
}

function alertsText(alerts: PipelineStatus["alerts"]): string[] {
  if (alerts === null || alerts.length === 0) return [];
  return [
    "",
    ...alerts.map(({ alert, since, summary }) => `alert ${alert} since ${time(since)}: ${summary}`),
  ];
}

/** `setAside` → `set aside` */
function words(name: string): string {
  if (name === "blocks") return "blocks, with genesis";
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function tally(counts: Readonly<Record<string, number>>): string {
  const seen = Object.entries(counts).filter(([, count]) => count > 0);
  return seen.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
