import { Command, Option } from "commander";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import type { Report } from "../../../shared/verify/report.ts";
import { isTlogProof, verifyTlogProof } from "../../../shared/verify/verify-tlog-proof.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { verifyProof } from "../../../shared/verify/verify-proof.ts";
import { readBytes } from "../../files/read.ts";
import { policyOf, withPolicy, type PolicyOptions } from "../../verify/policy.ts";
import { showReport } from "../../verify/show-report.ts";
import { examples, path } from "../options.ts";

interface Options extends PolicyOptions {
  readonly tx?: string;
  readonly json?: boolean;
}

export function verifyProofCommand(): Command {
  return withPolicy(new Command("proof"))
    .description("a proof of one transaction, from its file alone")
    .argument("<file>", "a proof that `vdc proof get` wrote, or a C2SP tlog-proof; - for stdin", path)
    .addOption(
      new Option("--tx <file>", "the transaction's canonical bytes; a tlog-proof needs them").argParser(path),
    )
    .option("--offline", "use no network; a proof never needs it")
    .option("--json", "the report as one JSON document")
    .addHelpText(
      "after",
      `
Your options alone decide what is checked, and never a field of the proof. Without --genesis the result is incomplete, with
exit code 7: a proof vouches for its own genesis.
${examples("verify proof deed-17.vdc-proof --genesis 4e1931c9…", "verify proof deed-17.vdc-proof --policy my.policy --genesis 4e1931c9… --json | jq .verdict")}`,
    )
    .action(async (file: string, options: Options) => {
      showReport(options, await reportOn(await readBytes(file), options));
    });
}

async function reportOn(proof: Uint8Array, options: Options): Promise<Report> {
  const policy = await policyOf(options);
  const transaction = options.tx === undefined ? undefined : await readBytes(options.tx);
  if (!isTlogProof(proof)) return (await verifyProof(proof, { ...policy, transaction })).report;
  if (transaction === undefined || policy.witnesses === undefined)
    throw new CommandFailure(
      "a tlog-proof holds neither the transaction nor the log's key: give --tx, and --policy with a log line",
      EXIT.usage,
    );
  return verifyTlogProof(fromUtf8(proof), transaction, policy.witnesses);
}
