import { Command } from "commander";
import { ChainCar } from "../car/read.ts";
import { ChainWatch } from "../chain/report.ts";
import { ChainState } from "../chain/state.ts";
import { verifySource } from "../chain/verify.ts";
import { operatorClient, type Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { bringDocuments } from "../documents/bring.ts";
import { DocumentFolder } from "../documents/folder.ts";
import { BEFORE_THE_CHAIN, bringRecords } from "../records/bring.ts";
import { RecordFolder } from "../records/folder.ts";
import { confirm } from "../output/confirm.ts";
import { startProgress } from "../output/progress.ts";
import { note, show } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { followRun } from "../storage/follow-run.ts";
import { runText } from "../storage/tables.ts";
import { connected, examples, path, reason, type Connected } from "./options.ts";
import { genesisOption } from "./verify.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly reason: string;
  readonly documents?: string;
  readonly records?: string;
  readonly wait: boolean;
  readonly yes?: boolean;
}

export function restoreCommand(): Command {
  return connected(new Command("restore"))
    .argument("[file.car]", "what `vdc export` wrote, for blocks that no tier has any more", path)
    .requiredOption("--reason <text>", "why: it is kept in the audit log", reason)
    .addOption(genesisOption())
    .option("--documents <folder>", "give back the documents of an export too, when the chain is there", path)
    .option("--records <folder>", "give back the records of an export too, each when it can be taken", path)
    .option("--yes", "don't ask")
    .option("--no-wait", "don't follow the run")
    .addHelpText(
      "after",
      `
The file is verified whole, offline, before anything is sent; then its blocks are put back, and the chain head is rebuilt
from them link by link before it takes a new block. Without a file, it is rebuilt from what R2 and KV hold. It may be
repeated: what is there already stays. A chain head that knows blocks is left as it is. Documents follow the chain, for
their owners are registered in it. Of the records, erasures and private parts come before the chain, the others after it.
${examples('restore --reason "chain head lost, incident 12"', 'restore chain.car --genesis 4e1931c9… --reason "all tiers lost" --yes')}`,
    )
    .action(restore);
}

async function restore(file: string | undefined, options: Options): Promise<void> {
  if (file === undefined && options.genesis !== undefined)
    throw new CommandFailure(
      "--genesis is checked against a file: without one, compare the genesis hash of `vdc verify` when the restore is done",
      EXIT.usage,
    );
  const { documents, records } = options;
  if ((documents !== undefined || records !== undefined) && !options.wait)
    throw new CommandFailure(
      "documents and records are given back when the chain is restored: leave out --no-wait, or say `vdc storage bring-documents` and `bring-records` later",
      EXIT.usage,
    );
  const client = operatorClient(options);
  const car = file === undefined ? undefined : await ChainCar.open(file);
  try {
    if (car !== undefined) await verifyFor(client, car, options.genesis);
    const what =
      car === undefined ? "from what R2 and KV hold" : `from the ${counted(car.count, "block")} of ${file}`;
    await confirm(`The chain head of ${client.url} will be rebuilt ${what}`, options);
    if (car !== undefined) await putBlocks(client, car);
  } finally {
    await car?.close();
  }
  const folder = records === undefined ? undefined : new RecordFolder(records);
  if (folder !== undefined) await bringRecords(client, folder, BEFORE_THE_CHAIN);
  const started = await client.call("POST /api/storage-verify/restore", {
    body: { reason: options.reason },
  });
  const run = options.wait ? await followRun(client, started) : started;
  show(options, run, runText);
  if (run.state !== "done" && run.state !== "running")
    throw new CommandFailure(
      `the restore was ${run.state} before block ${run.next}: ${run.message ?? "no reason is known"}. The same command again goes on from there`,
    );
  if (documents !== undefined) {
    const brought = await bringDocuments(client, new DocumentFolder(documents));
    note(`${counted(brought.documents, "document")} given back, ${brought.restored} of them restored.`);
  }
  if (folder !== undefined) {
    const brought = await bringRecords(client, folder);
    note(`${counted(brought.records, "record")} looked at, ${brought.restored} of them restored.`);
  }
  if (run.state === "done")
    note(
      "Check it with `vdc verify`. A verification that fills the other tiers follows by itself: `vdc storage runs`.",
    );
}

/**
 * @throws CommandFailure when the file is not a valid chain, is the chain of another deployment, or the user does not
 * confirm
 */
async function verifyFor(client: Client, car: ChainCar, genesis: string | undefined): Promise<void> {
  const state = ChainState.open();
  const watch = new ChainWatch(state);
  try {
    for await (const _ of watch.watch(verifySource(car, genesis, state), car.count));
  } finally {
    state.close();
  }
  const { chainId, latestBlock } = await client.call("GET /.well-known/vdc.json");
  if (chainId !== watch.report.chainId)
    throw new CommandFailure(
      `the file holds the chain ${watch.report.chainId}, and ${client.url} keeps ${chainId}: take the file, or the --url, of the other`,
      EXIT.refused,
    );
  if (latestBlock !== null)
    throw new CommandFailure(
      `the chain head of ${client.url} has its chain, up to block ${latestBlock}: there is nothing to restore. To give it a copy of a block that no tier has, use \`vdc storage bring\``,
      EXIT.refused,
    );
}

const AT_ONCE = 4;

/** Uploads the verified blocks: each part of the file is compared with its CID again as it is read. */
async function putBlocks(client: Client, car: ChainCar): Promise<void> {
  const progress = startProgress({ doing: "putting back", total: car.count, of: "blocks" });
  const blocks = car.blocks();
  let next = 0;
  let done = 0;
  const putNext = async (): Promise<void> => {
    for (;;) {
      const number = next++;
      const { value, done: over } = await blocks.next();
      if (over) return;
      await client.call("PUT /api/storage-verify/blocks/:blockNumber", {
        params: { blockNumber: number },
        body: value.bytes,
        timeoutMs: 60_000,
      });
      progress.to(++done);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, putNext));
  } finally {
    progress.end();
  }
}
