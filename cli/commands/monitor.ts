import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import { parsePolicy, type TlogPolicy } from "../../shared/tlog/policy.ts";
import { ChainState, stateOption } from "../chain/state.ts";
import { requireTrusted } from "../chain/untrusted.ts";
import { readText } from "../files/read.ts";
import { publicClient, type Client } from "../http/client.ts";
import { BrokenPromise } from "../monitor/broken-promise.ts";
import { writeEvidence } from "../monitor/evidence.ts";
import { visit, type MonitorSettings, type Visit } from "../monitor/visit.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { note, show } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { connected, examples, path, wholeNumber, type Connected } from "./options.ts";
import { genesisOption } from "./verify.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly state?: string;
  readonly policy?: string;
  readonly once?: boolean;
  readonly every: number;
  readonly stallAfter: number;
}

export function monitorCommand(): Command {
  return connected(new Command("monitor"))
    .addOption(stateOption())
    .addOption(genesisOption())
    .option("--policy <file>", "C2SP tlog-policy: accept checkpoints with its quorum of witnesses only", path)
    .option("--once", "look once; without it, until a promise is broken")
    .option("--every <seconds>", "pause between two visits", wholeNumber(1, 86_400), 60)
    .option(
      "--stall-after <seconds>",
      "longest time that published blocks may wait for a checkpoint",
      wholeNumber(0, 31_536_000),
      3_600,
    )
    .addHelpText(
      "after",
      `
Verified at each visit: the log's keys, endorsed by the chain's block key; the signatures of both checkpoints; that they
contain the remembered ones; every new block with all its rules; that the checkpoints cover exactly these blocks and
transactions. A broken promise or a stall ends it with exit code 6, and vdc-evidence-<time>.json has both signed notes.
${examples("monitor --state vdc-main.state --genesis 4e1931c9…", "monitor --state vdc-main.state --once --json | jq .size")}`,
    )
    .action(monitor);
}

async function monitor(options: Options): Promise<void> {
  const client = publicClient(options);
  const policy = options.policy === undefined ? undefined : await policyIn(options.policy);
  const settings: MonitorSettings = {
    stallAfterSeconds: options.stallAfter,
    ...(options.genesis !== undefined && { genesis: options.genesis }),
    ...(policy !== undefined && { policy }),
  };
  const state = ChainState.open(options.state);
  try {
    for (;;) {
      const seen = await look(client, state, settings, options);
      if (seen !== undefined) show(options, { sound: true, url: client.url, ...seen }, asText);
      if (options.once) return;
      await wait(options.every * 1_000);
    }
  } finally {
    state.close();
  }
}

/** Makes a visit; `undefined` when the deployment could not be read, and the next visit tries again. */
async function look(
  client: Client,
  state: ChainState,
  settings: MonitorSettings,
  options: Options,
): Promise<Visit | undefined> {
  const now = Date.now();
  try {
    const seen = await visit(client, state, settings, now);
    requireTrusted(state.report?.untrusted ?? []);
    return seen;
  } catch (error) {
    if (error instanceof BrokenPromise) {
      const evidence = await writeEvidence(error, client.url, now);
      if (options.json)
        show(options, { sound: false, fault: error.fault, detail: error.message, evidence }, () => "");
      throw new CommandFailure(
        `${error.message}. ${evidence} has the evidence: keep it, and show it to others`,
        error.exitCode,
      );
    }
    if (options.once || !(error instanceof CommandFailure) || error.exitCode !== EXIT.unknown) throw error;
    note(`${error.message}; the next visit is in ${counted(options.every, "second")}`);
    return undefined;
  }
}

async function policyIn(file: string): Promise<TlogPolicy> {
  const text = await readText(file);
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof InvalidLog) throw new CommandFailure(`${file}: ${error.message}`, EXIT.usage);
    throw error;
  }
}

function asText({ url, size, entries, waiting }: Visit & { readonly url: string }): string {
  const rest = waiting === 0 ? "" : `; ${counted(waiting, "block")} not yet`;
  return `${url} is sound: its newest checkpoint covers ${counted(size, "block")} and ${counted(entries, "transaction")}${rest}`;
}
