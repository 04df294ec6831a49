import { Command } from "commander";
import type { PendingPage } from "../../shared/api/pending.ts";
import { operatorClient } from "../http/client.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";
import { age, counted, time } from "../output/words.ts";
import { connected, examples, wholeNumber, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly limit: number;
  readonly cursor?: string;
}

export function pendingCommand(): Command {
  return connected(new Command("pending"))
    .option("--limit <n>", "how many at most", wholeNumber(1, 1_000), 100)
    .option("--cursor <cursor>", "go on where a page ended: its `next`")
    .addHelpText("after", examples("pending", "pending --limit 1000 --json | jq -r '.transactions[].txId'"))
    .action(async (options: Options) => {
      const { limit, cursor } = options;
      const query = { limit, cursor };
      const page = await operatorClient(options).call("GET /api/vdc/pending", { query });
      show(options, page, asText);
    });
}

function asText({ count, waiting, transactions, next }: PendingPage): string {
  const summary = `${counted(waiting, "transaction")} in no block yet, ${count} in none that is finished`;
  if (transactions.length === 0) return summary;
  const rows = transactions.map(({ txId, timestamp, ageSeconds }) => [
    txId,
    time(timestamp),
    age(ageSeconds),
  ]);
  return [
    table(["transaction", "time", "waits for"], rows),
    "",
    summary,
    ...(next === null ? [] : [`there are more: --cursor ${next}`]),
  ].join("\n");
}
