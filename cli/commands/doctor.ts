import { styleText } from "node:util";
import { Command } from "commander";
import { publicClient } from "../http/client.ts";
import { checkLatestBlock } from "../doctor/chain.ts";
import { checkBackups, type Backups } from "../doctor/backup.ts";
import {
  checkClock,
  checkDeadLetters,
  checkDocuments,
  checkOperator,
  checkParts,
  checkStorage,
} from "../doctor/deployment.ts";
import { checkLog } from "../doctor/log.ts";
import { finding, type Finding } from "../doctor/finding.ts";
import { toolVersions } from "../doctor/tools.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { show } from "../output/show.ts";
import { table } from "../output/table.ts";
import { counted, mark } from "../output/words.ts";
import { connected, examples, path, type Connected } from "./options.ts";

interface Diagnosis {
  readonly url: string;
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

export function doctorCommand(): Command {
  return connected(new Command("doctor"))
    .option("--backup <file.car>", "an export that was put away: how much of the chain it has", path)
    .option("--keyring <file>", "a SYSTEM_KEYRING that was put away: whether it is the present one", path)
    .option("--state <file>", "the state of a `vdc monitor`: what it remembers of the log", path)
    .addHelpText(
      "after",
      `
✗ something is wrong: exit code 1 · ? it could not be checked: exit code 7, when nothing is wrong · ! nothing is broken, but
something should be done: exit code 0.
${examples("doctor", "doctor --url https://vdc.example.com", "doctor --json | jq '.findings[] | select(.state != \"good\")'")}`,
    )
    .action(doctor);
}

interface Options extends Connected, Backups {
  readonly state?: string;
}

async function doctor(options: Options): Promise<void> {
  const { url } = publicClient(options);
  const findings = await examine(options);
  const bad = findings.filter(({ state }) => state === "bad").length;
  const unknown = findings.filter(({ state }) => state === "unknown").length;
  show<Diagnosis>(options, { url, healthy: bad + unknown === 0, findings }, asText);
  if (bad > 0) throw new CommandFailure(`${counted(bad, "thing")} to mend, marked ✗`);
  if (unknown > 0)
    throw new CommandFailure(`${counted(unknown, "thing")} could not be checked, marked ?`, EXIT.unknown);
}

async function examine(options: Options): Promise<readonly Finding[]> {
  const client = publicClient(options);
  const tools = await finding("tools", async () => toolVersions());
  let clock: Finding | undefined;
  const reached = await finding("reachable", async () => {
    const answer = await client.ask("GET /api/health");
    clock = await checkClock(answer, Date.now());
    return client.url;
  });
  if (clock === undefined) return [tools, reached];
  const now = Date.now();
  const checks = await Promise.all([
    checkParts(client),
    checkOperator(options),
    checkDeadLetters(options),
    checkStorage(options, now),
    checkDocuments(options),
    checkLatestBlock(client),
    checkLog(client, options.state, now),
    checkBackups(client, options, now),
  ]);
  return [tools, reached, clock, ...checks.flat()];
}

function asText({ findings }: Diagnosis): string {
  return table(
    ["", "check", "found"],
    findings.map(({ check, state, detail }) => [signOf(state), check, detail]),
  );
}

function signOf(state: Finding["state"]): string {
  if (state === "unknown") return styleText("yellow", "?");
  return state === "warning" ? styleText("yellow", "!") : mark(state === "good");
}
