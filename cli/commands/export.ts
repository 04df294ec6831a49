import { existsSync } from "node:fs";
import { Command } from "commander";
import { writeCar, type ChainFile, type WrittenCar } from "../car/write.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import type { VerifiedBlock } from "../chain/verify.ts";
import { telling, vdcClient } from "../account/client.ts";
import { operatorClient, publicClient, type Client } from "../client.ts";
import { exportDocuments, type ExportedDocuments } from "../documents/export.ts";
import { DocumentFolder } from "../documents/folder.ts";
import { CommandFailure } from "../failure.ts";
import { confirm } from "../output/confirm.ts";
import { show } from "../output/show.ts";
import { facts, type Fact } from "../output/table.ts";
import { byteCount } from "../output/words.ts";
import { connected, examples, path, type Connected } from "./options.ts";
import { genesisOption } from "./verify.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly documents?: string;
  readonly yes?: boolean;
}

export function exportCommand(): Command {
  return connected(new Command("export"))
    .description("write the whole chain into one CAR file, each block verified on its way")
    .argument("[file]", "where to (default: {chain id}-{latest block}.car)", path)
    .addOption(genesisOption())
    .option("--documents <folder>", "write the documents too, one file each (operator)", path)
    .option("--yes", "replace a file that is there, without asking")
    .addHelpText(
      "after",
      `
The file holds a directory of {n}.json, exactly the blocks' bytes under their own CIDs: \`ipfs dag import\` puts them on any
IPFS node, \`vdc verify\` checks them offline, \`vdc restore\` brings a lost chain back. It is there whole or not at all, and
the same chain gives the same file.

With --documents, the folder gets {id}.json for each document that the deployment has stored: its record, still encrypted to its
owner, verified on its way. Files that are there already are checked and not fetched again, so the same command again goes on
where it stopped, and brings the folder up to date later. \`vdc restore\` and \`vdc storage bring-documents\` take it.
${examples("export", "export chain.car --genesis 4e1931c9… --yes", "export chain.car --documents documents/", "export --json | jq -r .root")}`,
    )
    .action(telling(exportChain));
}

async function exportChain(given: string | undefined, options: Options): Promise<void> {
  const client = publicClient(options);
  const operator = options.documents === undefined ? undefined : operatorClient(options);
  const { latest, blocks } = await publishedChain(client, options.genesis);
  const file = given ?? path(`${await chainIdOf(client)}-${latest.blockNumber}.car`);
  if (existsSync(file)) await confirm(`${file} is there already and will be replaced`, options);
  const watch = new ChainWatch();
  const written = await writeCar(file, filesOf(watch.watch(blocks, latest.blockNumber + 1))).catch(
    explain(file),
  );
  const { root, bytes } = written;
  const documents =
    operator === undefined || options.documents === undefined
      ? undefined
      : await exportDocuments(operator, vdcClient(options), new DocumentFolder(options.documents));
  show(options, { file, root, bytes, ...watch.report, ...(documents && { documents }) }, asText);
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

function asText({
  file,
  root,
  bytes,
  documents,
  ...report
}: ChainReport & { file: string; documents?: ExportedDocuments } & Omit<WrittenCar, "blocks">): string {
  return facts([
    ...reportRows(report),
    ["written to", `${file}, ${byteCount(bytes)}`],
    ["root", root],
    ...(documents === undefined ? [] : documentRows(documents)),
  ]);
}

function documentRows({ folder, documents, fetched }: ExportedDocuments): Fact[] {
  return [
    ["documents", `${documents} in ${folder}`],
    ["fetched", fetched],
  ];
}
