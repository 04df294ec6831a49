import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { RECORD_KINDS, type RecordKind } from "../../shared/storage/records.ts";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { AnswerFailure } from "../http/answer-failure.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { explain } from "../files/write-whole.ts";
import { startProgress } from "../output/progress.ts";
import { note } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { auditEntries, soundEntriesOf } from "./audit-file.ts";
import { erasedBy, withoutErased } from "./erased.ts";
import type { RecordFolder } from "./folder.ts";

export interface BroughtRecords {
  readonly folder: string;
  readonly records: number;
  /** They were missing, or lacked a part. */
  readonly restored: number;
  /** The deployment has them, or does not need them. */
  readonly kept: number;
  /** Erased since they were exported, so not brought. */
  readonly erased: number;
}

/** Kinds of records that a restore of the chain reads, so they are brought before it. */
export const BEFORE_THE_CHAIN = ["erasure", "private_archive"] as const satisfies readonly RecordKind[];

const TIMEOUT_MS = 120_000; // a large archive of private parts

/**
 * Gives the records of an export to the deployment, which stores those that it lacks. May be repeated. What the audit log, or
 * its export in the folder, says was erased is not brought.
 */
export async function bringRecords(
  operator: Client,
  folder: RecordFolder,
  kinds: readonly RecordKind[] = RECORD_KINDS,
): Promise<BroughtRecords> {
  const erased = await erasedTransactions(operator, folder.path);
  let total = 0;
  for (const kind of kinds) for await (const _ of folder.ids(kind)) total++;
  const progress = startProgress({ doing: "bringing", total, of: "records" });
  const counts = { records: 0, restored: 0, kept: 0, erased: 0, refused: 0 };
  let worst: CommandFailure | undefined;
  try {
    for (const kind of kinds)
      for await (const id of folder.ids(kind)) {
        progress.to(++counts.records);
        try {
          counts[await bringOne(operator, folder, { kind, id, erased })]++;
        } catch (error) {
          if (!(error instanceof CommandFailure)) throw error;
          if (error instanceof AnswerFailure && error.slug === "not-configured")
            throw new CommandFailure(error.message, EXIT.refused); // it takes no other record either
          counts.refused++;
          if (worst === undefined || worst.exitCode === EXIT.unknown) worst = error;
          note(`${kind} ${id}: ${error.message}`);
        }
      }
  } finally {
    progress.end();
  }
  const { refused, ...brought } = counts;
  if (worst !== undefined)
    throw new CommandFailure(
      `${counted(refused, "record")} of ${counts.records} could not be brought: the messages above say why. The same command again goes on`,
      worst.exitCode,
    );
  return { folder: folder.path, ...brought };
}

async function bringOne(
  operator: Client,
  folder: RecordFolder,
  {
    kind,
    id,
    erased,
  }: { readonly kind: RecordKind; readonly id: string; readonly erased: ReadonlySet<string> },
): Promise<"restored" | "kept" | "erased"> {
  const kept = await folder.read(kind, id);
  if (kept === undefined) throw new CommandFailure("its file is gone");
  const record = await withoutErased(kept.record, erased);
  if (record === undefined) return "erased";
  const { stored } = await operator.call("PUT /api/storage-verify/records/:kind/:recordId", {
    params: { kind, recordId: id },
    body: utf8(JSON.stringify(record)),
    timeoutMs: TIMEOUT_MS,
  });
  return stored ? "restored" : "kept";
}

async function erasedTransactions(operator: Client, folder: string): Promise<ReadonlySet<string>> {
  const erased = new Set<string>();
  const read = async (entries: AsyncIterable<Parameters<typeof erasedBy>[0]>) => {
    for await (const entry of entries) {
      const txId = erasedBy(entry);
      if (txId !== undefined) erased.add(txId);
    }
  };
  await read(auditEntries(operator));
  const names = await readdir(folder).catch(explain(folder));
  for (const name of names.filter((name) => /^audit[-0-9a-f]*\.ndjson$/.test(name)))
    await read(soundEntriesOf(join(folder, name)));
  return erased;
}
