import { Command } from "commander";
import type { TransactionStatus } from "../../../shared/api/transactions.ts";
import { TxId } from "../../../shared/chain/transaction.ts";
import type { AcceptedSubmission } from "../../account/settle.ts";
import { publicClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { facts, type Cell } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import { connected, examples, ofSchema, type Connected } from "../options.ts";

export function showCommand(): Command {
  return connected(new Command("show"))
    .description(
      "where a transaction is: waiting to be paid, pending, in a block that is being made, mined, or set aside and why",
    )
    .argument("<id>", "vdc_tx_ and 40 hex digits", ofSchema(TxId))
    .addHelpText(
      "after",
      examples(
        "tx show vdc_tx_0123456789abcdef0123456789abcdef01234567",
        "tx vdc_tx_0123456789abcdef0123456789abcdef01234567 --json | jq -r .state",
      ),
    )
    .action(async (id: string, options: Connected) => {
      const found = await publicClient(options).call("GET /api/vdc/transactions/:txId", {
        params: { txId: id },
      });
      show(options, found, asText);
    });
}

const NAMES = {
  txId: "transaction",
  state: "state",
  blockNumber: "block",
  index: "index in it",
  blockState: "block state",
  timestamp: "time",
  admittedAt: "admitted at",
  reason: "reason",
  since: "submitted at",
  expiresAt: "expires at",
  expiredAt: "expired at",
};
const TIMES = ["timestamp", "admittedAt", "since", "expiresAt", "expiredAt"];

export function asText(found: AcceptedSubmission | TransactionStatus): string {
  const members: Readonly<Record<string, Cell>> = { ...found, indexedThrough: undefined };
  return facts(
    Object.entries(NAMES).flatMap(([member, name]) => {
      const value = members[member];
      if (value === undefined || value === null) return [];
      return [[name, typeof value === "number" && TIMES.includes(member) ? time(value) : value] as const];
    }),
  );
}
