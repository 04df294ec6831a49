import { Command } from "commander";
import type { AuditPage } from "../../../shared/api/audit.ts";
import type { AuditEntry } from "../../../shared/chain/audit-chain.ts";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { table } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import { connected, examples, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly from?: number;
  readonly limit: number;
}

export function listCommand(): Command {
  return connected(new Command("list"))
    .description("the latest entries, the newest first; with --from, onwards from an entry")
    .option("--from <n>", "the first entry's number", wholeNumber(1))
    .option("--limit <n>", "how many at most", wholeNumber(1, 1_000), 50)
    .addHelpText(
      "after",
      examples("audit list", "audit list --from 1 --limit 1000 --json | jq -r '.entries[].action'"),
    )
    .action(async (options: Options) => {
      const { from, limit } = options;
      const query = { limit, ...(from === undefined ? { newest: true } : { from }) };
      const page = await operatorClient(options).call("GET /api/audit", { query });
      show(options, page, (page) => asText(page, goOn(page.next, options)));
    });
}

/**
 * The command that lists the next page. Without `--from` the list runs backwards from the end; with `--from` it runs
 * forwards.
 */
function goOn(next: number | null, { from, limit }: Options): string | null {
  if (next === null) return null;
  return from === undefined
    ? `there are older ones: --from ${Math.max(1, next - limit + 1)}`
    : `there are more: --from ${next}`;
}

function asText({ entries, head }: AuditPage, more: string | null): string {
  if (head === null) return "the log is empty";
  return [
    table(
      ["entry", "at", "who", "did", "to", "outcome", "why"],
      entries.map((entry) => [
        entry.sequence,
        time(entry.at),
        `${entry.operator.name} (${entry.operator.by})`,
        entry.action,
        entry.target,
        outcomeText(entry),
        entry.reason,
      ]),
    ),
    "",
    `the log ends with entry ${head.sequence}, hash ${head.hash}`,
    ...(more === null ? [] : [more]),
  ].join("\n");
}

function outcomeText({ outcome }: AuditEntry): string {
  if (outcome === null) return "asked";
  const { asked, problem, status } = outcome;
  return `${problem ?? "done"}${status === null ? "" : ` (${status})`}, asked in ${asked}`;
}
