import { existsSync } from "node:fs";
import { Command } from "commander";
import { writeCar, type ChainFile, type WrittenCar } from "../car/write.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import type { VerifiedBlock } from "../chain/verify.ts";
import { publicClient, type Client } from "../client.ts";
import { CommandFailure } from "../failure.ts";
import { confirm } from "../output/confirm.ts";
import { show } from "../output/show.ts";
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
    .argument("[file]", "where to (default: {chain id}-{latest block}.car)", path)
    .addOption(genesisOption())
    .option("--yes", "replace a file that is there, without asking")
    .addHelpText(
      "after",
      `
The file holds a directory of {n}.json, exactly the blocks' bytes under their own CIDs: \`ipfs dag import\` puts them on any
IPFS node, \`vdc verify\` checks them offline, \`vdc restore\` brings a lost chain back. It is there whole or not at all, and
the same chain gives the same file.
${examples("export", "export chain.car --genesis 4e1931c9… --yes", "export --json | jq -r .root")}`,
    )
    .action(exportChain);
}

async function exportChain(given: string | undefined, options: Options): Promise<void> {
  const client = publicClient(options);
  const { latest, blocks } = await publishedChain(client, options.genesis);
  const file = given ?? path(`${await chainIdOf(client)}-${latest.blockNumber}.car`);
  if (existsSync(file)) await confirm(`${file} is there already and will be replaced`, options);
  const watch = new ChainWatch();
  const written = await writeCar(file, filesOf(watch.watch(blocks, latest.blockNumber + 1))).catch(
    explain(file),
  );
  const { root, bytes } = written;
  show(options, { file, root, bytes, ...watch.report }, asText);
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
  ...report
}: ChainReport & { file: string } & Omit<WrittenCar, "blocks">): string {
  return facts([...reportRows(report), ["written to", `${file}, ${byteCount(bytes)}`], ["root", root]]);
}
