import { Command } from "commander";
import { ChainCar } from "../../car/read.ts";
import { ChainState } from "../../chain/state.ts";
import { verifySource } from "../../chain/verify.ts";
import { operatorClient } from "../../http/client.ts";
import { CommandFailure, EXIT } from "../../output/failure.ts";
import { show } from "../../output/show.ts";
import { blockReportText } from "../../storage/tables.ts";
import { requireValidBlock } from "../../storage/require-valid.ts";
import { connected, examples, path, wholeNumber, type Connected } from "../options.ts";

export function bringCommand(): Command {
  return connected(new Command("bring"))
    .description(
      "give a copy of a block that no tier has any more, out of an export; every tier is restored from it",
    )
    .argument("<n>", "the block's number", wholeNumber(0))
    .argument("<file.car>", "what `vdc export` wrote, this block in it", path)
    .addHelpText(
      "after",
      `
The file is verified up to the block, offline; the deployment takes no other bytes than those that it sealed.
${examples("storage bring 7 vdc-main-41.car")}`,
    )
    .action(bring);
}

async function bring(number: number, file: string, options: Connected): Promise<void> {
  const client = operatorClient(options);
  const bytes = await verifiedBlock(file, number);
  const accepted = await client.call("PUT /api/storage-verify/blocks/:blockNumber", {
    params: { blockNumber: number },
    body: bytes,
    timeoutMs: 120_000,
  });
  const { report } = accepted;
  show(options, accepted, () =>
    report === null
      ? `block ${number} is archived; now \`vdc restore\` the chain head`
      : blockReportText(report),
  );
  if (report !== null) requireValidBlock(report);
}

async function verifiedBlock(file: string, number: number): Promise<Uint8Array<ArrayBuffer>> {
  const car = await ChainCar.open(file);
  const state = ChainState.open();
  try {
    for await (const { block, bytes } of verifySource(car, undefined, state))
      if (block.blockNumber === number) return bytes;
    throw new CommandFailure(
      `${file} ends with block ${car.count - 1}, it has no block ${number}`,
      EXIT.notFound,
    );
  } finally {
    state.close();
    await car.close();
  }
}
