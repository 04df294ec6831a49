import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { replayTable, replayText } from "../../dead-letters/texts.ts";
import { show } from "../../output/show.ts";
import { connected, examples, type Connected } from "../options.ts";

export function replaysCommand(): Command {
  return connected(new Command("replays"))
    .description("the latest replays, or one with what became of each dead letter")
    .argument("[id]", "a replay's id")
    .addHelpText(
      "after",
      examples("dead-letters replays", "dead-letters replays --json | jq '.replays[0].state'"),
    )
    .action(async (id: string | undefined, options: Connected) => {
      const client = operatorClient(options);
      if (id !== undefined)
        return show(
          options,
          await client.call("GET /api/dead-letters/replays/:id", { params: { id } }),
          replayText,
        );
      const list = await client.call("GET /api/dead-letters/replays");
      show(options, list, ({ replays }) =>
        replays.length === 0 ? "there was no replay yet" : replayTable(replays),
      );
    });
}

export function abortCommand(): Command {
  return connected(new Command("abort"))
    .description("end a replay; what it has sent stays sent")
    .argument("<id>", "the replay's id")
    .addHelpText("after", examples("dead-letters abort 0f5e6c1e-5a0b-4d53-9c1c-9a4a6f3f7f0e"))
    .action(async (id: string, options: Connected) => {
      const params = { id };
      const aborted = await operatorClient(options).call("DELETE /api/dead-letters/replays/:id", { params });
      show(options, aborted, replayText);
    });
}
