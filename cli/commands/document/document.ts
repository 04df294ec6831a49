import { Command } from "commander";
import { examples } from "../options.ts";
import { findCommand } from "./find.ts";
import { getCommand } from "./get.ts";
import { putCommand } from "./put.ts";

export function documentCommand(): Command {
  return new Command("document")
    .addCommand(putCommand())
    .addCommand(getCommand())
    .addCommand(findCommand())
    .addHelpText("after", examples("document put deed.pdf --asset deed-17"));
}
