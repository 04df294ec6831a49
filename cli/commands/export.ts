import { createReadStream, existsSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { ChainCar } from "../car/read.ts";
import { writeCar, type ChainFile, type WrittenCar } from "../car/write.ts";
import { keptBlocks, keptIn } from "../chain/kept.ts";
import { publishedChain } from "../chain/published.ts";
import { ChainWatch, reportRows, type ChainReport } from "../chain/report.ts";
import { ChainState, stateOption } from "../chain/state.ts";
import type { VerifiedBlock } from "../chain/verify.ts";
import { withCommandFailures, vdcClient } from "../account/client.ts";
import { operatorClient, publicClient, type Client } from "../http/client.ts";
import { exportDocuments, type ExportedDocuments } from "../documents/export.ts";
import { DocumentFolder } from "../documents/folder.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import type { ExportedAuditLog } from "../records/audit-file.ts";
import { exportAllRecords, type ExportedRecords } from "../records/export.ts";
import { isOfTheSystem, whyNot } from "../files/why-not.ts";
import { confirm } from "../output/confirm.ts";
import { note, show, toStdout } from "../output/show.ts";
import { facts, type Fact } from "../output/table.ts";
import { byteCount } from "../output/words.ts";
import { connected, examples, path, type Connected } from "./options.ts";
import { genesisOption } from "./verify.ts";

interface Options extends Connected {
  readonly genesis?: string;
  readonly state?: string;
  readonly documents?: string;
  readonly records?: string;
  readonly yes?: boolean;
}

export function exportCommand(): Command {
  return connected(new Command("export"))
    .argument("[file]", "where to, - for stdout (default: {chain id}-{latest block}.car)", path)
    .addOption(genesisOption())
    .addOption(stateOption())
    .option("--documents <folder>", "write the documents too, one file each (operator)", path)
    .option(
      "--records <folder>",
      "write what is in one place only: private parts, submissions, tokens, metadata, dead letters, audit log (operator)",
      path,
    )
    .option("--yes", "replace a file that is there, without asking")
    .addHelpText(
      "after",
      `
The file holds a directory of {n}.json, exactly the blocks' bytes under their own CIDs: \`ipfs dag import\` puts them on any
IPFS node, \`vdc verify\` checks them offline, \`vdc restore\` brings a lost chain back. It is there whole or not at all, and
the same chain gives the same file. With --state, a long export goes on where it ended early, and the next one into the same
file reads from the deployment only what came since.

With --documents, the folder gets {id}.json for each document that the deployment has stored: its record, still encrypted to its
owner, verified on its way. Files that are there already are checked and not fetched again, so the same command again goes on
where it stopped, and brings the folder up to date later. \`vdc restore\` and \`vdc storage bring-documents\` take it.

With --records, the folder gets {kind}/{id}.json for each record of which the deployment has one copy, still encrypted, and
audit.ndjson, the audit log, verified entry by entry. The same command brings it up to date. A record that an earlier export has and
the deployment has lost stays in the folder, and the command fails (6). \`vdc restore\` and \`vdc storage bring-records\` take it.
${examples("export", "export chain.car --genesis 4e1931c9… --yes", "export vdc-main.car --state vdc-main.state --documents documents/ --records records/ --yes", "export --json | jq -r .root", "export - | gzip > chain.car.gz")}`,
    )
    .action(withCommandFailures(exportChain));
}

async function exportChain(given: string | undefined, options: Options): Promise<void> {
  if (given === "-") return exportToStdout(options);
  const client = publicClient(options);
  const extras = extrasOf(options);
  const published = await publishedBy(client, options);
  try {
    const file = given ?? path(`${await chainIdOf(client)}-${published.latest.blockNumber}.car`);
    if (existsSync(file)) await confirm(`${file} is there already and will be replaced`, options);
    const written = await write(file, published);
    show(options, { ...written, ...(await extras()) }, asText);
  } finally {
    published.state.close();
  }
}

/** Writes a temporary file first: a CAR file begins with its root, which is known last. */
async function exportToStdout(options: Options): Promise<void> {
  if (options.json === true)
    throw new CommandFailure("stdout can't carry both the file and --json: name a file", EXIT.usage);
  if (process.stdout.isTTY)
    throw new CommandFailure("the file is not text: name a file, or redirect stdout", EXIT.usage);
  const extras = extrasOf(options);
  const published = await publishedBy(publicClient(options), options);
  const directory = await mkdtemp(join(tmpdir(), "vdc-"));
  const clear = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", clear); // Ctrl-C
  try {
    const file = join(directory, "chain.car");
    const written = await write(file, published);
    await toStdout(createReadStream(file));
    note(asText({ ...written, ...(await extras()), file: "stdout" }));
  } finally {
    process.off("exit", clear);
    clear();
    published.state.close();
  }
}

interface Extras {
  readonly documents?: ExportedDocuments;
  readonly records?: ExportedRecords & { readonly auditLog: ExportedAuditLog };
}

/**
 * Exports documents and records if the user asked for them. Fails without the operator's secret, before the chain is
 * read.
 */
function extrasOf(options: Options): () => Promise<Extras> {
  const { documents, records } = options;
  if (documents === undefined && records === undefined) return async () => ({});
  const operator = operatorClient(options);
  return async () => ({
    ...(documents !== undefined && {
      documents: await exportDocuments(operator, vdcClient(options), new DocumentFolder(documents)),
    }),
    ...(records !== undefined && { records: await exportAllRecords(operator, records) }),
  });
}

type Published = Awaited<ReturnType<typeof publishedChain>> & {
  readonly state: ChainState;
  readonly isKept: boolean;
};

async function publishedBy(client: Client, options: Options): Promise<Published> {
  const state = ChainState.open(options.state);
  try {
    const published = await publishedChain(client, options.genesis, state);
    return { ...published, state, isKept: options.state !== undefined };
  } catch (error) {
    state.close();
    throw error;
  }
}

interface Exported extends ChainReport, Extras, Omit<WrittenCar, "blocks"> {
  readonly file: string;
}

async function write(file: string, published: Published): Promise<Exported> {
  if (published.isKept) return writeKept(file, published);
  const { latest, blocks, state } = published;
  const watch = new ChainWatch(state);
  const bytes = bytesOf(watch.watch(blocks, latest.blockNumber + 1));
  const written = await writeCar(file, asFiles(bytes)).catch(explain(file));
  return { file, root: written.root, bytes: written.bytes, ...watch.report };
}

async function* bytesOf(blocks: AsyncIterable<VerifiedBlock>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of blocks) yield bytes;
}

/**
 * Verifies the whole chain before the file is begun. If the command ends early, the state keeps the verified blocks, and
 * the next run does not read them again.
 */
async function writeKept(file: string, { latest, source, blocks, state }: Published): Promise<Exported> {
  const watch = new ChainWatch(state);
  const keeping = keptIn(state, blocks);
  for await (const _ of watch.watch(keeping, latest.blockNumber + 1));
  const before = existsSync(file) ? await carOf(file) : undefined;
  try {
    const files = asFiles(keptBlocks(state, before, source));
    const { root, bytes } = await writeCar(file, files).catch(explain(file));
    state.forgetKept();
    return { file, root, bytes, ...watch.report };
  } finally {
    await before?.close();
  }
}

/** Opens an earlier export, whose blocks need not be read again. Another file is replaced, as the user confirmed. */
async function carOf(file: string): Promise<ChainCar | undefined> {
  try {
    return await ChainCar.open(file);
  } catch (error) {
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
}

async function chainIdOf(client: Client): Promise<string> {
  const { chainId } = await client.call("GET /.well-known/vdc.json");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(chainId))
    throw new CommandFailure(`the deployment's chain id can't name a file: say which file you want`);
  return chainId;
}

async function* asFiles(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<ChainFile> {
  let blockNumber = 0;
  for await (const bytes of blocks) yield { blockNumber: blockNumber++, bytes };
}

function explain(file: string): (error: unknown) => never {
  return (error) => {
    if (!isOfTheSystem(error)) throw error;
    throw new CommandFailure(
      `${file} can't be written, for ${whyNot(error)}: choose a place with room that you may write to`,
    );
  };
}

function asText({ file, root, bytes, documents, records, ...report }: Exported): string {
  return facts([
    ...reportRows(report),
    ["written to", `${file}, ${byteCount(bytes)}`],
    ["root", root],
    ...(documents === undefined ? [] : documentRows(documents)),
    ...(records === undefined ? [] : recordRows(records)),
  ]);
}

function documentRows({ folder, documents, fetched }: ExportedDocuments): Fact[] {
  return [
    ["documents", `${documents} in ${folder}`],
    ["fetched", fetched],
  ];
}

function recordRows({ folder, records, fetched, auditLog }: NonNullable<Extras["records"]>): Fact[] {
  const { head } = auditLog;
  return [
    ["records", `${records} in ${folder}`],
    ["records fetched", fetched],
    ["audit log", head === null ? null : `${auditLog.entries} entries, head ${head.sequence}:${head.hash}`],
  ];
}
