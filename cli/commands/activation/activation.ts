import { Command } from "commander";
import { examples } from "../options.ts";
import { issueCommand } from "./issue.ts";

export function activationCommand(): Command {
  return new Command("activation")
    .description("let users in who pay nothing (operator)")
    .addCommand(issueCommand())
    .addHelpText("after", examples("activation issue"));
}
