import { Command } from "commander";
import { verifyProof } from "../../../shared/verify/verify-proof.ts";
import { readBytes } from "../../files/read.ts";
import { policyOf, withPolicy, type PolicyOptions } from "../../verify/policy.ts";
import { showReport } from "../../verify/show-report.ts";
import { examples, path } from "../options.ts";

interface Options extends PolicyOptions {
  readonly json?: boolean;
}

export function verifyProofCommand(): Command {
  return withPolicy(new Command("proof"))
    .description("a proof of one transaction, from its file alone")
    .argument("<file>", "a proof that `vdc proof get` wrote; - for stdin", path)
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
      showReport(options, (await verifyProof(await readBytes(file), await policyOf(options))).report);
    });
}
