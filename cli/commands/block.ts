import { Command, InvalidArgumentError } from "commander";
import { checkContents, checkTransactions, InvalidBlock, readBlock } from "../../shared/chain/block.ts";
import type { BlockRecord } from "../../shared/storage/kv-tier.ts";
import { sourceBlockOf } from "../chain/record.ts";
import { asUnverified, verifyCid } from "../chain/verify.ts";
import { publicClient } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { show } from "../output/show.ts";
import { facts, table } from "../output/table.ts";
import { byteCount, time } from "../output/words.ts";
import { connected, examples, wholeNumber, type Connected } from "./options.ts";

interface Options extends Connected {
  readonly raw?: boolean;
}

export function blockCommand(): Command {
  return connected(new Command("block"))
    .argument("<n>", "its number, or `latest`", blockNumber)
    .option("--raw", "the canonical bytes, as R2 and IPFS hold them, and nothing else")
    .addHelpText(
      "after",
      `
The system's signature, and what comes before it, \`vdc verify\` checks.
${examples("block 1", "block latest --json | jq -r .hash", "block 1 --raw > 1.json")}`,
    )
    .action(showBlock);
}

async function showBlock(number: number | "latest", options: Options): Promise<void> {
  if (options.raw && options.json)
    throw new CommandFailure("--raw and --json are two forms: choose one of them", EXIT.usage);
  const client = publicClient(options);
  const wanted = number === "latest" ? (await client.call("GET /api/vdc/latest")).blockNumber : number;
  const record = await client.call("GET /api/vdc/blocks/:blockNumber", { params: { blockNumber: wanted } });
  const bytes = await checked(wanted, record);
  if (options.raw) process.stdout.write(bytes);
  else show(options, record, () => asText(record, bytes.length));
}

/** @returns the canonical bytes @throws UnverifiedChain when the record differs from what it claims */
async function checked(number: number, record: BlockRecord): Promise<Uint8Array> {
  const source = sourceBlockOf(record);
  const { bytes } = source;
  try {
    const block = readBlock(bytes);
    checkContents(block);
    await checkTransactions(block);
    if (block.blockNumber !== number)
      throw new InvalidBlock("wrong_place", `the answer is block ${block.blockNumber}`);
  } catch (error) {
    throw asUnverified(number, error);
  }
  await verifyCid(number, source);
  return bytes;
}

function asText(record: BlockRecord, length: number): string {
  return [
    facts([
      ["block", record.blockNumber],
      ["chain", record.chainId],
      ["made at", time(record.timestamp)],
      ["hash", record.hash],
      ["previous hash", record.previousHash],
      ["previous CID", record.previousCid ?? "none, because this is genesis"],
      ["Merkle root", record.merkleRoot],
      ["history root", record.historyRoot],
      ["signed with key", record.blockSignature.keyId],
      ["IPFS", record.ipfsHash],
      ["read it at", record.ipfsGatewayUrl],
      ["size", byteCount(length)],
      ["checked here", "hash, Merkle root and CID are those of its bytes, and its users' signatures verify"],
    ]),
    "",
    table(
      ["transaction", "type", "time", "data"],
      record.transactions.map(({ id, type, timestamp, data }) => [id, type, time(timestamp), summary(data)]),
    ),
  ].join("\n");
}

/** The short public facts of a transaction: ids, not keys. */
function summary(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .flatMap(([name, value]) =>
      typeof value === "string" && value.length <= 128 ? [`${name} ${value}`] : [],
    )
    .join(", ");
}

const anyNumber = wholeNumber(0);

function blockNumber(text: string): number | "latest" {
  if (text === "latest") return text;
  try {
    return anyNumber(text);
  } catch {
    throw new InvalidArgumentError("expected a block's number, or `latest`");
  }
}
