import { Command } from "commander";
import { examples } from "../options.ts";
import { issueCommand } from "./issue.ts";

export function activationCommand(): Command {
  return new Command("activation")
    .addCommand(issueCommand())
    .addHelpText("after", examples("activation issue"));
}
