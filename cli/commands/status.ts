import { Command } from "commander";
import { operatorClient } from "../client.ts";
import { show } from "../output/show.ts";
import { facts, table } from "../output/table.ts";
import { age, time } from "../output/words.ts";
import { connected, examples, type Connected } from "./options.ts";

/** `GET /api/vdc/status` */
interface Status {
  readonly latest: number | null;
  readonly halted: { readonly reason: string; readonly at: number } | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly ignored: Readonly<Record<string, number>>;
  readonly oldestWaitingSeconds: number | null;
  readonly inFlight: readonly {
    readonly blockNumber: number;
    readonly state: string;
    readonly stage: string | null;
    readonly transactions: number;
    readonly ageSeconds: number | null;
  }[];
  readonly queues: Readonly<Record<string, { readonly messages: number; readonly oldestAt: number | null }>>;
  readonly failures: readonly {
    readonly txId: string;
    readonly reason: string;
    readonly error: string;
    readonly at: number;
  }[];
}

export function statusCommand(): Command {
  return connected(new Command("status"))
    .addHelpText("after", examples("status", "status --json | jq .counts.waiting"))
    .action(async (options: Connected) => {
      const status = await operatorClient(options).get<Status>("/api/vdc/status");
      show(options, status, asText);
    });
}

function asText(status: Status): string {
  const { halted, inFlight, failures } = status;
  return [
    facts([
      ["latest block", status.latest],
      ["halted", halted === null ? "no" : `since ${time(halted.at)}: ${halted.reason}`],
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

/** `setAside` → `set aside` */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function tally(counts: Readonly<Record<string, number>>): string {
  const seen = Object.entries(counts).filter(([, count]) => count > 0);
  return seen.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}
