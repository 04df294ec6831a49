import { Command } from "commander";
import { TxId } from "../../../shared/chain/transaction.ts";
import { publicClient } from "../../http/client.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import { connected, examples, ofSchema, type Connected } from "../options.ts";

/** `GET /api/vdc/transactions/{txId}` */
interface Transaction {
  readonly txId: string;
  readonly state: string;
  readonly blockNumber?: number;
  readonly index?: number | null;
  readonly timestamp?: number;
  readonly admittedAt?: number;
  readonly blockState?: string;
  readonly reason?: string | null;
  readonly since?: number;
  readonly expiresAt?: number;
  readonly expiredAt?: number;
}

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
      const found = await publicClient(options).get<Transaction>(`/api/vdc/transactions/${id}`);
      show(options, found, asText);
    });
}

export function asText(found: Transaction): string {
  const { txId, state, blockNumber, index, timestamp, admittedAt, blockState, reason } = found;
  const { since, expiresAt, expiredAt } = found;
  const rows = [
    ["transaction", txId],
    ["state", state],
    ["block", blockNumber],
    ["index in it", index],
    ["block state", blockState],
    ["time", time(timestamp)],
    ["admitted at", time(admittedAt)],
    ["reason", reason],
    ["submitted at", time(since)],
    ["expires at", time(expiresAt)],
    ["expired at", time(expiredAt)],
  ] as const;
  return facts(rows.filter(([, value]) => value !== undefined && value !== null));
}
