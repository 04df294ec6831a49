import { Command } from "commander";
import { examples } from "../options.ts";
import { eraseCommand } from "./erase.ts";
import { showCommand } from "./show.ts";

export function privacyCommand(): Command {
  return new Command("privacy")
    .addCommand(showCommand())
    .addCommand(eraseCommand())
    .addHelpText(
      "after",
      examples(
        'privacy show vdc_tx_0123456789abcdef0123456789abcdef01234567 --keyring keys.secret --reason "request 12"',
        'privacy erase vdc_tx_0123456789abcdef0123456789abcdef01234567 --reason "request 12"',
      ),
    );
}
