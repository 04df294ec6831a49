import { createReadStream, existsSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { writeCar, type ChainFile, type WrittenCar } from "../car/write.ts";
import type { Latest } from "../chain/from-api.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import type { VerifiedBlock } from "../chain/verify.ts";
import { publicClient, type Client } from "../client.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { confirm } from "../output/confirm.ts";
import { note, show, toStdout } from "../output/show.ts";
import { facts } from "../output/table.ts";
import { byteCount } from "../output/words.ts";
import { connected, examples, path, type Connected } from "./options.ts";
import { genesisOption } from "./verify.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly yes?: boolean;
}

export function exportCommand(): Command {
  return connected(new Command("export"))
    .description("write the whole chain into one CAR file, each block verified on its way")
    .argument("[file]", "where to, - for stdout (default: {chain id}-{latest block}.car)", path)
    .addOption(genesisOption())
    .option("--yes", "replace a file that is there, without asking")
    .addHelpText(
      "after",
      `
The file holds a directory of {n}.json, exactly the blocks' bytes under their own CIDs: \`ipfs dag import\` puts them on any
IPFS node, \`vdc verify\` checks them offline, \`vdc restore\` brings a lost chain back. It is there whole or not at all, and
the same chain gives the same file.
${examples("export", "export chain.car --genesis 4e1931c9… --yes", "export --json | jq -r .root", "export - | gzip > chain.car.gz")}`,
    )
    .action(exportChain);
}

async function exportChain(given: string | undefined, options: Options): Promise<void> {
  if (given === "-") return exportToStdout(options);
  const client = publicClient(options);
  const { latest, blocks } = await publishedChain(client, options.genesis);
  const file = given ?? path(`${await chainIdOf(client)}-${latest.blockNumber}.car`);
  if (existsSync(file)) await confirm(`${file} is there already and will be replaced`, options);
  show(options, await write(file, latest, blocks), asText);
}

/** The root stands at a CAR file's beginning and is known last, so the file is written elsewhere first. */
async function exportToStdout(options: Options): Promise<void> {
  if (options.json === true)
    throw new CommandFailure("stdout can't carry both the file and --json: name a file", EXIT.usage);
  if (process.stdout.isTTY)
    throw new CommandFailure("the file is not text: name a file, or redirect stdout", EXIT.usage);
  const { latest, blocks } = await publishedChain(publicClient(options), options.genesis);
  const directory = await mkdtemp(join(tmpdir(), "vdc-"));
  const clear = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", clear); // Ctrl-C
  try {
    const file = join(directory, "chain.car");
    const written = await write(file, latest, blocks);
    await toStdout(createReadStream(file));
    note(asText({ ...written, file: "stdout" }));
  } finally {
    process.off("exit", clear);
    clear();
  }
}

interface Exported extends ChainReport, Omit<WrittenCar, "blocks"> {
  readonly file: string;
}

async function write(file: string, latest: Latest, blocks: AsyncIterable<VerifiedBlock>): Promise<Exported> {
  const watch = new ChainWatch();
  const files = filesOf(watch.watch(blocks, latest.blockNumber + 1));
  const { root, bytes } = await writeCar(file, files).catch(explain(file));
  return { file, root, bytes, ...watch.report };
}

async function chainIdOf(client: Client): Promise<string> {
  const { chainId } = await client.get<{ chainId: string }>("/.well-known/vdc.json");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(chainId))
    throw new CommandFailure(`the deployment's chain id can't name a file: say which file you want`);
  return chainId;
}

async function* filesOf(blocks: AsyncIterable<VerifiedBlock>): AsyncGenerator<ChainFile> {
  for await (const { block, bytes } of blocks) yield { blockNumber: block.blockNumber, bytes };
}

function explain(file: string): (error: unknown) => never {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new CommandFailure(
      `${file} can't be written (${code}): choose a place with room that you may write to`,
    );
  };
}

function asText({ file, root, bytes, ...report }: Exported): string {
  return facts([...reportRows(report), ["written to", `${file}, ${byteCount(bytes)}`], ["root", root]]);
}
