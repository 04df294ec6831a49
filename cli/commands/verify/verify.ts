import { Command } from "commander";
import { chainCommand } from "../verify.ts";
import { examples } from "../options.ts";
import { documentCommand } from "./document.ts";
import { verifyProofCommand } from "./proof.ts";
import { txCommand } from "./tx.ts";

export function verifyCommand(): Command {
  return new Command("verify")
    .addCommand(chainCommand(), { isDefault: true })
    .addCommand(verifyProofCommand())
    .addCommand(txCommand())
    .addCommand(documentCommand())
    .addHelpText(
      "after",
      examples(
        "verify",
        "verify vdc-main-41.car --genesis 4e1931c9…",
        "verify proof deed-17.vdc-proof --genesis 4e1931c9…",
        "verify document deed.pdf --proof deed-17.vdc-proof --genesis 4e1931c9…",
      ),
    );
}
