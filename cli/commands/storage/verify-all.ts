import { Command } from "commander";
import { operatorClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import type { VerifyAllResult } from "../../../shared/api/storage-report.ts";
import { followRun } from "../../storage/follow-run.ts";
import { documentTable, reportTable, resultRows, runText } from "../../storage/tables.ts";
import { requireAllValid, requireValidRun } from "../../storage/require-valid.ts";
import { connected, examples, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly repair: boolean;
  readonly wait: boolean;
}

const TIMEOUT_MS = 300_000; // a short chain is verified within the call

export function verifyAllCommand(): Command {
  return connected(new Command("verify-all"))
    .description(
      "the same for every block and document: a long chain as a run, which is followed until it ends",
    )
    .option("--no-repair", "look only")
    .option("--no-wait", "don't follow the run")
    .addHelpText(
      "after",
      `
One run at a time. Exit code 6 when a copy is not sound and could not be restored, 7 when a tier could not be reached, 8 when all copies are
sound and a revoked key signed the block.
${examples("storage verify-all", "storage verify-all --no-repair --json | jq .failed", "storage verify-all --no-wait")}`,
    )
    .action(verifyAll);
}

async function verifyAll(options: Options): Promise<void> {
  const client = operatorClient(options);
  const result = await client.call("POST /api/storage-verify/verify-all", {
    query: { repair: options.repair },
    timeoutMs: TIMEOUT_MS,
  });
  if (!("id" in result)) {
    show(options, result, asText);
    return requireAllValid(result);
  }
  const run = options.wait ? await followRun(client, result) : result;
  show(options, run, runText);
  requireValidRun(run);
}

function asText(result: VerifyAllResult): string {
  return [
    facts(resultRows(result)),
    ...reportTable(result.results),
    ...documentTable(result.documents.results),
  ].join("\n");
}
