import { Command, Option } from "commander";
import { verifyProof } from "../../../shared/verify/verify-proof.ts";
import { readBytes } from "../../files/read.ts";
import { policyOf, withPolicy, type PolicyOptions } from "../../verify/policy.ts";
import { showReport } from "../../verify/show-report.ts";
import { examples, path } from "../options.ts";

interface Options extends PolicyOptions {
  readonly proof: string;
  readonly json?: boolean;
}

export function documentCommand(): Command {
  return withPolicy(new Command("document"))
    .description("a document: that the proved transaction commits to exactly these bytes")
    .argument("<file>", "the document; - for stdin", path)
    .addOption(
      new Option("--proof <file>", "the proof of the asset's creation").argParser(path).makeOptionMandatory(),
    )
    .option("--offline", "use no network; a document with its proof never needs it")
    .option("--json", "the report as one JSON document")
    .addHelpText("after", examples("verify document deed.pdf --proof deed-17.vdc-proof --genesis 4e1931c9…"))
    .action(async (file: string, options: Options) => {
      const policy = { ...(await policyOf(options)), document: await readBytes(file) };
      showReport(options, (await verifyProof(await readBytes(options.proof), policy)).report);
    });
}
