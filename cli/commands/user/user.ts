import { Command } from "commander";
import { examples } from "../options.ts";
import { createCommand, registerCommand } from "./create.ts";
import { metadataCommand } from "./metadata.ts";
import { showUserCommand } from "./show.ts";

export function userCommand(): Command {
  return new Command("user")
    .addCommand(createCommand())
    .addCommand(registerCommand())
    .addCommand(showUserCommand())
    .addCommand(metadataCommand())
    .addHelpText("after", examples("user create"));
}
