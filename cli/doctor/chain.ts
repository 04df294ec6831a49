import { whyUnanswered } from "../../shared/client/unanswered.ts";
import { verifyBlock } from "../../shared/chain/block.ts";
import { lookupIn } from "../../shared/chain/signing-keys.ts";
import { equalBytes, readAtMost } from "../../shared/crypto/bytes.ts";
import { sourceBlockOf } from "../chain/record.ts";
import { asUnverified, verifyCid } from "../chain/verify.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { finding, unknown, type Finding } from "./finding.ts";

interface ReadBlock {
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly gatewayUrl: string;
}

/** Compares the latest block of the deployment with the one of the IPFS gateway. */
export async function checkLatestBlock(client: Client): Promise<readonly Finding[]> {
  let read: ReadBlock | undefined;
  const chain = await finding("chain", async () => {
    read = await latestBlock(client);
    return read === undefined
      ? "no block yet: it begins with the first payment that is mined"
      : `block ${read.number}, the latest, is what its hash says and signed by a key of the chain`;
  });
  const { number, bytes, gatewayUrl } = read ?? {};
  if (number === undefined || bytes === undefined || gatewayUrl === undefined)
    return chain.state === "good"
      ? [chain]
      : [chain, unknown("ipfs", "not checked, for the chain can't be read")];
  return [chain, await finding("ipfs", () => compareWithGateway(gatewayUrl, number, bytes))];
}

async function latestBlock(client: Client): Promise<ReadBlock | undefined> {
  const latest = await client.find("GET /api/vdc/latest");
  if (latest === undefined) return undefined;
  const { blockNumber, hash } = latest;
  const [record, { chainId, signingKeys }] = await Promise.all([
    client.call("GET /api/vdc/blocks/:blockNumber", { params: { blockNumber } }),
    client.call("GET /.well-known/vdc.json"),
  ]);
  const source = sourceBlockOf(record);
  const place = { blockNumber, hash, chainId };
  await verifyBlock(source.bytes, place, lookupIn(signingKeys)).catch((error: unknown) => {
    throw asUnverified(blockNumber, error);
  });
  await verifyCid(blockNumber, source);
  return { number: blockNumber, bytes: source.bytes, gatewayUrl: record.ipfsGatewayUrl };
}

const TIMEOUT_MS = 20_000; // a public gateway may have to search for it

async function compareWithGateway(url: string, number: number, bytes: Uint8Array): Promise<string> {
  const unreadable = (why: string) =>
    new CommandFailure(
      `${url} does not give block ${number} (${why}): try again, and if it stays, run \`vdc storage verify ${number}\``,
      EXIT.unknown,
    );
  let pinned: Uint8Array | undefined;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) {
      await response.body?.cancel();
      throw unreadable(`it answered ${response.status}`);
    }
    pinned = await readAtMost(response.body, bytes.length);
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw unreadable(whyUnanswered(error));
  }
  if (pinned === undefined || !equalBytes(pinned, bytes))
    throw new CommandFailure(
      `${url} serves other bytes than those of block ${number}: run \`vdc storage verify ${number}\``,
      EXIT.unverified,
    );
  return `${url} gives the same bytes`;
}
