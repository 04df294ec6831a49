import { Command, Option } from "commander";
import { TxId } from "../../../shared/chain/transaction.ts";
import * as v from "valibot";
import { verifyProof } from "../../../shared/verify/verify-proof.ts";
import { readBytes } from "../../files/read.ts";
import { callersPath } from "../../files/path.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { fetchProof } from "../../verify/fetch-proof.ts";
import { policyOf, withPolicy, type PolicyOptions } from "../../verify/policy.ts";
import { showReport } from "../../verify/show-report.ts";
import { connected, examples, path, type Connected } from "../options.ts";

interface Options extends PolicyOptions, Connected {
  readonly proof?: string;
  readonly offline?: boolean;
}

export function txCommand(): Command {
  return withPolicy(connected(new Command("tx")))
    .description("one transaction, by its id or by the file of its canonical bytes")
    .argument("<id|file>", "a transaction's id, or a file with its canonical bytes")
    .addOption(
      new Option("--proof <file>", "its proof; without it, the deployment is asked for one").argParser(path),
    )
    .option("--offline", "use no network: --proof must be given")
    .addHelpText(
      "after",
      examples(
        "verify tx vdc_tx_0123456789abcdef0123456789abcdef01234567 --genesis 4e1931c9…",
        "verify tx tx.json --proof tx.vdc-proof --offline --genesis 4e1931c9…",
      ),
    )
    .action(verify);
}

async function verify(named: string, options: Options): Promise<void> {
  const isId = v.is(TxId, named);
  if (options.proof === undefined && (options.offline === true || !isId))
    throw new CommandFailure(
      "a proof is needed: give its file with --proof, or a transaction's id without --offline",
      EXIT.usage,
    );
  const wanted = isId ? { txId: named } : { transaction: await readBytes(callersPath(named)) };
  const proof =
    options.proof === undefined ? await fetchProof(named, options) : await readBytes(options.proof);
  showReport(options, (await verifyProof(proof, { ...(await policyOf(options)), ...wanted })).report);
}
