import { Command } from "commander";
import type { AnswerOf } from "../../shared/api/call.ts";
import { operatorClient } from "../http/client.ts";
import { CommandFailure } from "../output/failure.ts";
import { note, show } from "../output/show.ts";
import { facts } from "../output/table.ts";
import { counted } from "../output/words.ts";
import { connected, examples, wholeNumber, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly wait?: number | true;
}

const LONGEST_WAIT_SECONDS = 60; // the longest that the call accepts
const WAIT_SECONDS = 30;

export function mineCommand(): Command {
  return connected(new Command("mine"))
    .option(
      "--wait [seconds]",
      `until the block is in KV, R2 and IPFS: ${WAIT_SECONDS} seconds, or as many as given, up to ${LONGEST_WAIT_SECONDS}`,
      wholeNumber(1, LONGEST_WAIT_SECONDS),
    )
    .addHelpText(
      "after",
      `
When nothing waits, that is said, and the exit code is 0. A block that is not finished in time goes on being made: exit
code 1. A halted chain makes no block: exit code 4, with the reason and what to do.
${examples("mine", "mine --wait", "mine --wait 60 --json | jq -r .ipfsHash")}`,
    )
    .action(mine);
}

async function mine(options: Options): Promise<void> {
  const { wait } = options;
  const seconds = wait === true ? WAIT_SECONDS : (wait ?? 0);
  const client = operatorClient(options);
  if (seconds > 0 && process.stderr.isTTY)
    note(`Waiting up to ${counted(seconds, "second")} for the block …`);
  const mining = await client.call("POST /api/vdc/mine", {
    query: { wait: seconds },
    timeoutMs: (seconds + 30) * 1_000,
  });
  const allSetAside = "mined" in mining && mining.reason === "all_set_aside";
  if (!allSetAside || options.json === true) show(options, mining, asText);
  if (allSetAside) throw new CommandFailure(ALL_SET_ASIDE);
  if (seconds > 0 && "state" in mining)
    throw new CommandFailure(
      `block ${mining.blockNumber} is ${mining.state} after ${counted(seconds, "second")}. It goes on being made; \`vdc status\` shows how far it is`,
    );
}

const ALL_SET_ASIDE =
  "no block is made, for every transaction that waited was set aside: `vdc dead-letters list --stage miner --state open` says why. Once the cause is mended, `vdc dead-letters replay --stage miner --reason …` has them mined";

function asText(mining: AnswerOf<"POST /api/vdc/mine">): string {
  if ("mined" in mining) return `nothing is mined: ${mining.detail}`;
  const { blockNumber, transactions } = mining;
  if ("state" in mining)
    return `block ${blockNumber} with ${counted(transactions, "transaction")} is being made: ${mining.state}`;
  return facts([
    ["block", blockNumber],
    ["transactions", transactions],
    ["hash", mining.hash],
    ["IPFS", mining.ipfsHash],
    ["R2", mining.r2Key],
  ]);
}
