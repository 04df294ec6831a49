import { statSync } from "node:fs";
import { Command } from "commander";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { WORKER_NAMES } from "../local/stack/workers.ts";
import { show } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { faultsOf } from "../secrets/faults.ts";
import { examples, path } from "./options.ts";

export function secretsCommand(): Command {
  return new Command("secrets")
    .addCommand(
      new Command("check")
        .description("check the secrets files, before they are deployed; no value is shown")
        .argument("<folder>", "it holds {worker}.json for each Worker that has secrets", path)
        .option("--json", "one JSON document instead of text")
        .addHelpText(
          "after",
          `
Refuses a file that is missing, is no JSON, lacks a secret or has one too many; that others, or git, can read; and an environment
that holds a variable of the same name as a secret.
${examples("secrets check secrets")}`,
        )
        .action(check),
    )
    .addHelpText("after", examples("secrets check secrets"));
}

function check(folder: string, options: { readonly json?: boolean }): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CommandFailure(`there is no folder ${folder}`, EXIT.notFound);
  const faults = WORKER_NAMES.flatMap((worker) => faultsOf(worker, folder, process.env));
  show(options, { folder, faults }, () =>
    faults.length === 0 ? "the secrets files are in order" : faults.join("\n"),
  );
  if (faults.length > 0)
    throw new CommandFailure(
      `${counted(faults.length, "thing")} to mend before these are deployed`,
      EXIT.refused,
    );
}
