import { Command } from "commander";
import type { Erased } from "../../../shared/api/privacy.ts";
import { TxId } from "../../../shared/chain/transaction.ts";
import { operatorClient } from "../../http/client.ts";
import { confirm } from "../../output/confirm.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { connected, examples, ofSchema, reason, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly reason: string;
  readonly yes?: boolean;
}

export function eraseCommand(): Command {
  return connected(new Command("erase"))
    .description("remove a transaction's private part for good; the chain stays as it is, and still verifies")
    .argument("<id>", "vdc_tx_ and 40 hex digits", ofSchema(TxId))
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .option("--yes", "don't ask")
    .addHelpText(
      "after",
      `
Backups of private/ and dead-letters/ in R2 are yours to erase from. Asked again, the answer is the same.
${examples('privacy erase vdc_tx_0123456789abcdef0123456789abcdef01234567 --reason "request 12"')}`,
    )
    .action(async (txId: string, options: Options) => {
      const client = operatorClient(options);
      await confirm(`What is private in ${txId} will be gone for good, from ${client.url}`, options);
      const request = { params: { txId }, body: { reason: options.reason } };
      show(options, await client.call("POST /api/privacy/:txId/erase", request), asText);
    });
}

function asText({ txId, blockNumber, removed }: Erased): string {
  return facts([
    ["transaction", txId],
    ["block", blockNumber],
    ["erased", true],
    ...removed.map((place) => ["no more in", place] as const),
  ]);
}
