import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { bringRecords } from "../../records/bring.ts";
import { RecordFolder } from "../../records/folder.ts";
import { connected, examples, path, type Connected } from "../options.ts";

export function bringRecordsCommand(): Command {
  return connected(new Command("bring-records"))
    .description("give back the records of an export; what the deployment lacks of them is restored")
    .argument("<folder>", "what `vdc export --records` wrote", path)
    .addHelpText(
      "after",
      `
What the deployment has stays, and so does what is not needed any more: a transaction whose block is complete, say. What the
audit log says was erased is not brought back. It may be repeated. The chain has to be there: else \`vdc restore --records\`.
${examples("storage bring-records records/")}`,
    )
    .action(async (folder: string, options: Connected) => {
      const counts = await bringRecords(operatorClient(options), new RecordFolder(folder));
      show(options, counts, ({ records, restored, kept, erased }) =>
        facts([
          ["records", records],
          ["restored", restored],
          ["kept", kept],
          ["erased since", erased],
        ]),
      );
    });
}
