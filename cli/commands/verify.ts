import { Command, InvalidArgumentError, Option } from "commander";
import { ChainCar } from "../car/read.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import { Unverified, verifyChain } from "../chain/verify.ts";
import { publicClient } from "../client.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { show } from "../output/show.ts";
import { facts } from "../output/table.ts";
import { mark } from "../output/words.ts";
import { connected, examples, path, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly genesis?: string;
}

export function verifyCommand(): Command {
  return connected(new Command("verify"))
    .description(
      "verify the whole chain from its bytes, link by link: of a deployment, or offline from a CAR file",
    )
    .argument(
      "[file.car]",
      "what `vdc export` wrote; without it, the chain that the deployment publishes",
      path,
    )
    .addOption(genesisOption())
    .addHelpText(
      "after",
      `
Recomputed of each block: canonical form, hash, Merkle root, the system's signature, the users' signatures with the ids
of what they signed, links to all before it, CID. And over the whole chain: an asset is created once and transferred by
its owner only, a user is registered once, with the user's own key. With a file, no network is used. A chain vouches for
its own beginning, so compare the genesis hash with one that you know from elsewhere.
${examples("verify", "verify vdc-main-41.car --genesis 4e1931c9…", "verify --json | jq .latest")}`,
    )
    .action(verify);
}

export function genesisOption(): Option {
  return new Option("--genesis <hash>", "the hash that block 0 must have, known from elsewhere").argParser(
    hash,
  );
}

async function verify(file: string | undefined, options: Options): Promise<void> {
  const watch = new ChainWatch();
  const { genesis } = options;
  try {
    const source = await (file === undefined
      ? verifyPublished(watch, options)
      : verifyFile(watch, file, genesis));
    show(options, { verified: true, source, genesisPinned: genesis !== undefined, ...watch.report }, asText);
  } catch (error) {
    if (options.json && error instanceof CommandFailure && error.exitCode === EXIT.unverified) {
      const { blockNumber = null, fault = null } = error instanceof Unverified ? error : {};
      show(options, { verified: false, blockNumber, fault, detail: error.message }, () => "");
    }
    throw error;
  }
}

async function verifyPublished(watch: ChainWatch, options: Options): Promise<string> {
  const client = publicClient(options);
  const { latest, blocks } = await publishedChain(client, options.genesis);
  for await (const _ of watch.watch(blocks, latest.blockNumber + 1));
  return client.url;
}

async function verifyFile(watch: ChainWatch, file: string, genesis: string | undefined): Promise<string> {
  const car = await ChainCar.open(file);
  try {
    for await (const _ of watch.watch(verifyChain(car.blocks(), genesis), car.count));
    return file;
  } finally {
    await car.close();
  }
}

function asText(report: ChainReport & { readonly genesisPinned: boolean }): string {
  return [
    facts(reportRows(report)),
    "",
    `${mark(true)} Every block is what its hash says, signed by a key that the chain announced, and linked to all before it.`,
    `${mark(true)} What users signed is signed by them, under the id that it must have; who created, owned and registered what keeps the rules.`,
    report.genesisPinned
      ? "  It begins with the genesis that you named."
      : "  That this is the chain you mean, its genesis hash tells: compare it with one that you know from elsewhere.",
  ].join("\n");
}

function hash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError("expected 64 lower-case hex digits");
  return text;
}
