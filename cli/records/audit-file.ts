import { createReadStream, existsSync } from "node:fs";
import { open, rename, truncate } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AuditPage } from "../../shared/api/audit.ts";
import {
  AuditChainVerifier,
  BrokenAuditChain,
  type AuditEntry,
  type AuditHead,
} from "../../shared/chain/audit-chain.ts";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { canonicalText } from "../../shared/crypto/canonical.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { explain } from "../files/write-whole.ts";

const PAGE = 1_000;

export function auditFileIn(folder: string): string {
  return join(folder, "audit.ndjson");
}

export function auditPage(operator: Client, from: number, limit = PAGE): Promise<AuditPage> {
  return operator.call("GET /api/audit", { query: { from, limit } });
}

/** Every entry of the deployment's audit log from this one on. */
export async function* auditEntries(operator: Client, from = 1): AsyncGenerator<AuditEntry> {
  let next: number | null = from;
  while (next !== null) {
    const page: AuditPage = await auditPage(operator, next);
    yield* page.entries;
    next = page.entries.length === 0 ? null : page.next;
  }
}

/**
 * The entries of an exported audit log, one a line, each verified as it is read.
 * @throws BrokenAuditChain
 */
export async function* entriesOfFile(
  file: string,
  verifier = new AuditChainVerifier(),
): AsyncGenerator<AuditEntry> {
  const input = createReadStream(file);
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity }))
      yield verifier.add(entryIn(line));
  } catch (error) {
    explain(file)(error);
  } finally {
    input.destroy();
  }
}

/** As `entriesOfFile`, where a broken log ends the command. */
export async function* soundEntriesOf(
  file: string,
  verifier?: AuditChainVerifier,
): AsyncGenerator<AuditEntry> {
  try {
    yield* entriesOfFile(file, verifier);
  } catch (error) {
    throw error instanceof BrokenAuditChain ? broken(file, error) : error;
  }
}

export function broken(log: string, { sequence, fault, message }: BrokenAuditChain): CommandFailure {
  return new CommandFailure(
    `${log} does not verify at entry ${sequence} (${fault}): ${message}. Keep what you have, and find out who could write to it`,
    EXIT.unverified,
  );
}

/** A line without valid JSON is passed on as it is, and the verifier refuses it as an entry. */
function entryIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

export interface ExportedAuditLog {
  readonly file: string;
  readonly entries: number;
  readonly head: AuditHead | null;
}

/**
 * Adds what is new to the exported log, verified entry by entry. A deployment whose log does not go on where the file ends has
 * lost its log, or had it changed: then the file is kept under a name of its own and a new one begins.
 */
export async function exportAuditLog(
  operator: Client,
  folder: string,
): Promise<ExportedAuditLog & { readonly lost: string | null }> {
  const file = auditFileIn(folder);
  let verifier = new AuditChainVerifier();
  if (existsSync(file)) {
    await dropUnfinishedLine(file);
    for await (const _ of soundEntriesOf(file, verifier));
  }
  let lost: string | null = null;
  const { head } = verifier;
  if (head !== null && (await entryAt(operator, head.sequence))?.hash !== head.hash) {
    lost = join(folder, `audit-${head.sequence}-${head.hash.slice(0, 16)}.ndjson`);
    await rename(file, lost).catch(explain(file));
    verifier = new AuditChainVerifier();
  }
  const handle = await open(file, "a").catch(explain(file));
  try {
    for await (const entry of auditEntries(operator, (verifier.head?.sequence ?? 0) + 1))
      await handle.write(utf8(`${canonicalText(verifier.add(entry))}\n`));
    await handle.sync();
  } catch (error) {
    if (error instanceof BrokenAuditChain) throw broken("the audit log", error);
    throw error;
  } finally {
    await handle.close();
  }
  return { file, entries: verifier.head?.sequence ?? 0, head: verifier.head, lost };
}

async function entryAt(operator: Client, sequence: number): Promise<AuditEntry | undefined> {
  return (await auditPage(operator, sequence, 1)).entries.find((entry) => entry.sequence === sequence);
}

/** An export that was cut off may have left half a line. */
async function dropUnfinishedLine(file: string): Promise<void> {
  const handle = await open(file, "r");
  let end: number;
  try {
    end = (await handle.stat()).size;
    const byte = new Uint8Array(1);
    while (end > 0) {
      await handle.read(byte, 0, 1, end - 1);
      if (byte[0] === 0x0a) break;
      end--;
    }
  } finally {
    await handle.close();
  }
  await truncate(file, end);
}
