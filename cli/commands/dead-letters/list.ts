import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import type { DeadLetterPage } from "../../../shared/api/dead-letters.ts";
import { filtered, filterOf, type FilterOptions } from "../../dead-letters/filter.ts";
import { adviceOn, entryTable, entryText, recoveryText } from "../../dead-letters/texts.ts";
import { note, show } from "../../output/show.ts";
import { connected, examples, wholeNumber, type Connected } from "../options.ts";

interface ListOptions extends Connected, FilterOptions {
  readonly limit: number;
  readonly cursor?: string;
}

export function listCommand(): Command {
  return connected(filtered(new Command("list")))
    .description("dead letters, the latest first")
    .option("--limit <n>", "how many at most", wholeNumber(1, 1_000), 100)
    .option("--cursor <cursor>", "go on where a page ended: its `next`")
    .addHelpText(
      "after",
      examples(
        "dead-letters list",
        "dead-letters list --state open --stage miner --older-than 2h",
        "dead-letters list --json | jq -r '.entries[].id'",
      ),
    )
    .action(async (options: ListOptions) => {
      const { limit, cursor } = options;
      const query = { ...filterOf(options), limit, cursor };
      const page = await operatorClient(options).call("GET /api/dead-letters", { query });
      const isFiltered = Object.keys(filterOf(options)).length > 0;
      show(options, page, (shown) => asText(shown, isFiltered));
    });
}

export function showCommand(): Command {
  return connected(new Command("show"))
    .description(
      "one dead letter with all its failures; --json has its payload too, as it was parked: encrypted",
    )
    .argument("<id>", "its id")
    .addHelpText("after", examples("dead-letters show 0123456789abcdef0123456789abcdef"))
    .action(async (id: string, options: Connected) => {
      const entry = await operatorClient(options).call("GET /api/dead-letters/:id", { params: { id } });
      show(options, entry, entryText);
      if (entry.state === "open") note(adviceOn(entry));
    });
}

function asText({ entries, next, recovering }: DeadLetterPage, isFiltered: boolean): string {
  if (entries.length === 0)
    return isFiltered ? "no dead letter is of this kind" : "there are no dead letters";
  return [
    entryTable(entries),
    ...(next === null ? [] : ["", `there are more: --cursor ${next}`]),
    ...(recovering.length === 0 ? [] : ["", ...recovering.map(recoveryText)]),
  ].join("\n");
}
