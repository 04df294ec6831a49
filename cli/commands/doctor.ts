import { styleText } from "node:util";
import { Command } from "commander";
import { publicClient } from "../client.ts";
import { checkLatestBlock } from "../doctor/chain.ts";
import { checkClock, checkDocuments, checkOperator, checkParts } from "../doctor/deployment.ts";
import { finding, type Finding } from "../doctor/finding.ts";
import { toolVersions } from "../doctor/tools.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";
import { counted, mark } from "../output/words.ts";
import { connected, examples, type Connected } from "./options.ts";

interface Diagnosis {
  readonly url: string;
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

export function doctorCommand(): Command {
  return connected(new Command("doctor"))
    .addHelpText(
      "after",
      `
Exit code 1 when something is wrong, 7 when nothing is, but something could not be checked.
${examples("doctor", "doctor --url https://vdc.example.com", "doctor --json | jq '.findings[] | select(.state != \"good\")'")}`,
    )
    .action(doctor);
}

async function doctor(options: Connected): Promise<void> {
  const { url } = publicClient(options);
  const findings = await examine(options);
  const bad = findings.filter(({ state }) => state === "bad").length;
  const unknown = findings.filter(({ state }) => state === "unknown").length;
  show<Diagnosis>(options, { url, healthy: bad + unknown === 0, findings }, asText);
  if (bad > 0) throw new CommandFailure(`${counted(bad, "thing")} to mend, marked ✗`);
  if (unknown > 0)
    throw new CommandFailure(`${counted(unknown, "thing")} could not be checked, marked ?`, EXIT.unknown);
}

async function examine(options: Connected): Promise<readonly Finding[]> {
  const client = publicClient(options);
  const tools = await finding("tools", async () => toolVersions());
  let clock: Finding | undefined;
  const reached = await finding("reachable", async () => {
    const answer = await client.ask("GET", "/api/health");
    clock = await checkClock(answer, Date.now());
    return client.url;
  });
  if (clock === undefined) return [tools, reached];
  const [parts, operator, documents, chain] = await Promise.all([
    checkParts(client),
    checkOperator(options),
    checkDocuments(options),
    checkLatestBlock(client),
  ]);
  return [tools, reached, clock, ...parts, operator, documents, ...chain];
}

function asText({ findings }: Diagnosis): string {
  return table(
    ["", "check", "found"],
    findings.map(({ check, state, detail }) => [
      state === "unknown" ? styleText("yellow", "?") : mark(state === "good"),
      check,
      detail,
    ]),
  );
}
