import { stat } from "node:fs/promises";
import { ChainCar } from "../car/read.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure } from "../output/failure.ts";
import { systemKeyring } from "../files/keyring.ts";
import { counted } from "../output/words.ts";
import { finding, Warning, type Finding } from "./finding.ts";

const OLD_AFTER_MS = 7 * 86_400_000;

export interface Backups {
  /** A file that `vdc export` wrote. */
  readonly backup?: string;
  /** A backup file of the SYSTEM_KEYRING. */
  readonly keyring?: string;
}

/**
 * Checks backups. A deployment does not know of copies outside, so a backup counts only when its file is given.
 * @param now milliseconds since the epoch
 */
export function checkBackups(client: Client, { backup, keyring }: Backups, now: number): Promise<Finding[]> {
  return Promise.all([
    finding("export", () => exportText(client, backup, now)),
    finding("keyring backup", () => keyringText(client, keyring)),
  ]);
}

async function exportText(client: Client, file: string | undefined, now: number): Promise<string> {
  if (file === undefined)
    throw new Warning(
      "no export is known: write one with `vdc export chain.car --documents <folder>`, keep it elsewhere, and show it here with --backup chain.car",
    );
  const { genesisHash, latestBlock } = await client.call("GET /.well-known/vdc.json");
  const car = await ChainCar.open(file);
  try {
    const [genesis] = await Array.fromAsync(firstOf(car));
    if (genesis === undefined || hashIn(genesis) !== genesisHash)
      throw new CommandFailure(`${file} holds another chain than ${client.url}: export this one`);
    const behind = (latestBlock ?? -1) + 1 - car.count;
    const { mtimeMs } = await stat(file);
    if (behind > 0 && now - mtimeMs > OLD_AFTER_MS)
      throw new Warning(
        `${file} lacks the newest ${counted(behind, "block")}, and is older than a week: \`vdc export ${file} --yes\` writes it anew`,
      );
    return `${file} has ${counted(car.count, "block")} of this chain; \`vdc verify ${file}\` checks them`;
  } finally {
    await car.close();
  }
}

async function* firstOf(car: ChainCar): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of car.blocks()) {
    yield bytes;
    return;
  }
}

function hashIn(block: Uint8Array): unknown {
  try {
    return (JSON.parse(new TextDecoder().decode(block)) as { hash?: unknown } | null)?.hash;
  } catch {
    return undefined; // the file holds no block
  }
}

async function keyringText(client: Client, file: string | undefined): Promise<string> {
  if (file === undefined)
    throw new Warning(
      "no backup of SYSTEM_KEYRING is known, and nothing else opens private parts: back it up, and show the copy here with --keyring <file>",
    );
  const [{ signing }, { signingKeys }] = await Promise.all([
    systemKeyring(file, { isLocal: false }),
    client.call("GET /.well-known/vdc.json"),
  ]);
  const newest = signingKeys.toSorted((a, b) => (b.blocks?.first ?? -1) - (a.blocks?.first ?? -1))[0];
  if (newest !== undefined && newest.keyId !== signing.active.keyId)
    throw new CommandFailure(
      `${file} signs with the key ${signing.active.keyId}, and the newest blocks are signed by ${newest.keyId}: back up the current SYSTEM_KEYRING`,
    );
  return `${file} has the key that signs the newest blocks`;
}
