import { Command } from "commander";
import { examples } from "../options.ts";
import { bringCommand } from "./bring.ts";
import { bringDocumentsCommand, documentsCommand, verifyDocumentCommand } from "./documents.ts";
import { bringRecordsCommand } from "./records.ts";
import { abortCommand, resumeRunCommand, runsCommand } from "./runs.ts";
import { storageStatusCommand } from "./status.ts";
import { verifyAllCommand } from "./verify-all.ts";
import { verifyBlockCommand } from "./verify-block.ts";

export function storageCommand(): Command {
  return new Command("storage")
    .addCommand(storageStatusCommand())
    .addCommand(verifyBlockCommand())
    .addCommand(verifyAllCommand())
    .addCommand(bringCommand())
    .addCommand(documentsCommand())
    .addCommand(verifyDocumentCommand())
    .addCommand(bringDocumentsCommand())
    .addCommand(bringRecordsCommand())
    .addCommand(runsCommand())
    .addCommand(abortCommand())
    .addCommand(resumeRunCommand())
    .addHelpText("after", examples("storage status", "storage verify 7", "storage verify-all --no-repair"));
}
