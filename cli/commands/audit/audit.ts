import { Command } from "commander";
import { examples } from "../options.ts";
import { listCommand } from "./list.ts";
import { verifyCommand } from "./verify.ts";

export function auditCommand(): Command {
  return new Command("audit")
    .description("what operators did, and that the log of it was not changed (operator)")
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addHelpText("after", examples("audit list", "audit verify"));
}
