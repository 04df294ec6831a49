import { Command } from "commander";
import type { PrivateEnvelope } from "../../../shared/api/privacy.ts";
import { TxId } from "../../../shared/chain/transaction.ts";
import { operatorClient } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { systemKeyring } from "../../files/keyring.ts";
import { show } from "../../output/show.ts";
import { facts } from "../../output/table.ts";
import { time } from "../../output/words.ts";
import { asShown, checkInBlock, openPrivate, type OpenedPrivate } from "../../privacy/open.ts";
import { targetOf } from "../../http/target.ts";
import { connected, examples, ofSchema, path, reason, type Connected } from "../options.ts";

interface Options extends Connected {
  readonly keyring?: string;
  readonly reason: string;
}

interface Shown extends Pick<PrivateEnvelope, "txId" | "blockNumber" | "source">, OpenedPrivate {}

export function showCommand(): Command {
  return connected(new Command("show"))
    .description(
      "fetch a transaction's private part, open it here with the system's keys, and check it against its block",
    )
    .argument("<id>", "vdc_tx_ and 40 hex digits", ofSchema(TxId))
    .option(
      "--keyring <file>",
      "file with the system's keys: their JSON, or the output of `keys generate`; - for stdin (default: SYSTEM_KEYRING, else the local stack's own)",
      path,
    )
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .addHelpText(
      "after",
      `
The deployment gives the envelope, and can't open it: the keys stay on this machine.
${examples(
  'privacy show vdc_tx_0123456789abcdef0123456789abcdef01234567 --keyring keys.secret --reason "request 12"',
  'privacy show vdc_tx_0123456789abcdef0123456789abcdef01234567 --reason "request 12" --json | jq .private.part',
)}`,
    )
    .action(showPrivate);
}

async function showPrivate(txId: string, options: Options): Promise<void> {
  const keyring = await systemKeyring(options.keyring, targetOf(options.url));
  const client = operatorClient(options);
  const request = { params: { txId }, body: { reason: options.reason } };
  const found = await client.call("POST /api/privacy/:txId/show", request);
  const { blockNumber, source } = found;
  const opened = await openPrivate({ ...found, txId }, keyring);
  if (blockNumber !== null) await checkInBlock(blockNumber, opened.transaction, client, keyring);
  if (opened.private === undefined)
    throw new CommandFailure(`${txId} has no private part: all of it is public`, EXIT.notFound);
  show(options, { txId, blockNumber, source, ...opened }, asText);
}

function asText({ txId, blockNumber, source, transaction, private: privatePart }: Shown): string {
  return [
    facts([
      ["transaction", txId],
      ["type", transaction.type],
      ["time", time(transaction.timestamp)],
      ["block", blockNumber],
      ["found in", source],
      ["commitment", transaction.privateCommitment],
      [
        "checked here",
        blockNumber === null
          ? "the private part is the one that the transaction commits to; no block has it"
          : "the block is what it claims, and commits to this private part",
      ],
    ]),
    "",
    asShown(privatePart?.part ?? null),
  ].join("\n");
}
