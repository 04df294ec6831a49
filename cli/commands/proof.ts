import { Command, Option } from "commander";
import { TxId } from "../../shared/chain/transaction.ts";
import type { VdcProof } from "../../shared/verify/bundle.ts";
import type { VerifyPolicy } from "../../shared/verify/policy.ts";
import { readTransaction } from "../../shared/verify/transaction.ts";
import { verifyProof } from "../../shared/verify/verify-proof.ts";
import { verdictText } from "../../shared/verify/words.ts";
import { readBytes } from "../files/read.ts";
import { writeWhole } from "../files/write-whole.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { show } from "../output/show.ts";
import { fetchProof } from "../verify/fetch-proof.ts";
import { connected, examples, ofSchema, path, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly out: string;
}

export function proofCommand(): Command {
  return new Command("proof")
    .addCommand(getCommand())
    .addCommand(refreshCommand())
    .addHelpText(
      "after",
      examples(
        "proof get vdc_tx_0123456789abcdef0123456789abcdef01234567 -o deed-17.vdc-proof",
        "proof refresh deed-17.vdc-proof",
      ),
    );
}

function getCommand(): Command {
  return connected(new Command("get"))
    .description("fetch the proof of a transaction, and write it when nothing in it is wrong")
    .argument("<txId>", "the transaction's id", ofSchema(TxId))
    .addOption(new Option("-o, --out <file>", "where to write it; - for stdout").argParser(path).default("-"))
    .addHelpText(
      "after",
      examples("proof get vdc_tx_0123456789abcdef0123456789abcdef01234567 -o deed-17.vdc-proof"),
    )
    .action(async (txId: string, options: Options) => {
      const bytes = await fetchProof(txId, options);
      await sound(bytes, { txId });
      if (options.out === "-") {
        process.stdout.write(bytes); // the proof itself is JSON
        return;
      }
      await writeWhole(options.out, bytes);
      show(options, { txId, file: options.out }, () => `${options.out}: the proof of ${txId}`);
    });
}

function refreshCommand(): Command {
  return connected(new Command("refresh"))
    .description("replace a proof's checkpoint by the newest one")
    .argument(
      "<file>",
      "a proof that `vdc proof get` wrote; it stays as it is if the new one is not about the same record",
      path,
    )
    .addHelpText("after", examples("proof refresh deed-17.vdc-proof"))
    .action(async (file: string, options: Connected) => {
      const old = await sound(await readBytes(file), {});
      const { id } = readTransaction(old.transaction, old.block.header);
      const bytes = await fetchProof(id, options);
      const fresh = await sound(bytes, {
        txId: id,
        genesisHash: old.genesisHash,
        transaction: Buffer.from(old.transaction, "base64url"),
      });
      await writeWhole(file, bytes);
      const blockNumber = (fresh.head ?? fresh.block).header.blockNumber;
      show(
        options,
        { txId: id, file, newestBlock: blockNumber },
        () => `${file}: the proof of ${id} now shows block ${blockNumber}`,
      );
    });
}

/** @throws CommandFailure unless the bundle is free of faults, whether or not all could be checked */
async function sound(bytes: Uint8Array, policy: VerifyPolicy): Promise<VdcProof> {
  const { report, proof } = await verifyProof(bytes, policy);
  if (proof === undefined) throw new CommandFailure(verdictText(report), EXIT.unverified);
  return proof;
}
