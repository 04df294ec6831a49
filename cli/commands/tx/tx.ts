import { Command } from "commander";
import { examples } from "../options.ts";
import { showCommand } from "./show.ts";
import { submitCommand } from "./submit.ts";
import { transferCommand } from "./transfer.ts";

export function txCommand(): Command {
  return new Command("tx")
    .addCommand(showCommand(), { isDefault: true })
    .addCommand(submitCommand())
    .addCommand(transferCommand())
    .addHelpText(
      "after",
      examples("tx vdc_tx_0123456789abcdef0123456789abcdef01234567", "tx transfer deed-17 <userId>"),
    );
}
