import { Command } from "commander";
import { examples } from "../options.ts";
import { dismissCommand } from "./dismiss.ts";
import { listCommand, showCommand } from "./list.ts";
import { replayCommand } from "./replay.ts";
import { abortCommand, replaysCommand } from "./replays.ts";

export function deadLettersCommand(): Command {
  return new Command("dead-letters")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(replayCommand())
    .addCommand(dismissCommand())
    .addCommand(replaysCommand())
    .addCommand(abortCommand())
    .addHelpText(
      "after",
      examples(
        "dead-letters list --state open",
        'dead-letters replay --cause retries_exhausted --reason "R2 is back"',
      ),
    );
}
