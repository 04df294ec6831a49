import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { blockReportText } from "../../storage/tables.ts";
import { requireValidBlock } from "../../storage/require-valid.ts";
import { connected, examples, wholeNumber, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly repair: boolean;
}

const TIMEOUT_MS = 120_000; // three tiers, one of them across the internet, read and written

export function verifyBlockCommand(): Command {
  return connected(new Command("verify"))
    .description("check the bytes of a block in every tier, and restore the copies that are missing or wrong")
    .argument("<n>", "the block's number", wholeNumber(0))
    .option("--no-repair", "look only")
    .addHelpText(
      "after",
      `
Exit code 6 when a copy is not sound and could not be restored, 7 when a tier could not be reached, 8 when all copies are
sound and a revoked key signed the block.
Exit code 6 also when a tier held a second block of this number that a key of the chain signed: repair halts the chain then.
${examples("storage verify 7", "storage verify 7 --no-repair --json | jq -r .status")}`,
    )
    .action(async (number: number, options: Options) => {
      const report = await operatorClient(options).call("POST /api/storage-verify/verify/:blockNumber", {
        params: { blockNumber: number },
        query: { repair: options.repair },
        timeoutMs: TIMEOUT_MS,
      });
      show(options, report, blockReportText);
      requireValidBlock(report);
    });
}
