import { Command } from "commander";
import { examples } from "../options.ts";
import { getCommand } from "./get.ts";
import { putCommand } from "./put.ts";

export function documentCommand(): Command {
  return new Command("document")
    .description("your documents: kept by the deployment and on IPFS, and read by nobody but you")
    .addCommand(putCommand())
    .addCommand(getCommand())
    .addHelpText("after", examples("document put deed.pdf --asset deed-17"));
}
