import { Command } from "commander";
import { examples } from "../options.ts";
import { listCommand } from "./list.ts";
import { verifyCommand } from "./verify.ts";

export function auditCommand(): Command {
  return new Command("audit")
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addHelpText("after", examples("audit list", "audit verify"));
}
