import { readTokenMetadata } from "../../shared/storage/activation-tokens.ts";
import {
  archiveBytes,
  archiveIn,
  completedArchive,
  isEnvelopeOf,
  type PrivateArchive,
} from "../../shared/storage/private-archive.ts";
import type { RecordPage } from "../../shared/api/records.ts";
import {
  bytesOfRecord,
  storedRecord,
  type RecordKind,
  type StoredRecord,
} from "../../shared/storage/records.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { note } from "../output/show.ts";
import { counted } from "../output/words.ts";
import { exportAuditLog, type ExportedAuditLog } from "./audit-file.ts";
import { RecordFolder } from "./folder.ts";

export interface ExportedRecords {
  readonly folder: string;
  readonly records: number;
  /** Fetched by this export; the others were in the folder already. */
  readonly fetched: number;
  /** Not needed any more, so that their files were deleted. */
  readonly over: number;
}

/**
 * A transaction is in `intents/`, then in `pending/`, then set aside or in the archive of its block, or its erasure is recorded; and
 * it is put into the next place before it is removed from the last. In this order an export meets one that moves on meanwhile.
 */
const EXPORT_ORDER = [
  "activation_token",
  "user_metadata",
  "signed_intent",
  "pending_transaction",
  "set_aside_transaction",
  "dead_letter",
  "private_archive",
  "erasure",
] as const satisfies readonly RecordKind[];

const TIMEOUT_MS = 120_000; // a large archive of private parts

/** The audit log first, which says what was erased: also when records are lost, it is exported. */
export async function exportAllRecords(
  operator: Client,
  path: string,
): Promise<ExportedRecords & { readonly auditLog: ExportedAuditLog }> {
  const folder = new RecordFolder(path);
  await folder.make();
  const { lost, ...auditLog } = await exportAuditLog(operator, path);
  const records = await exportRecords(operator, folder);
  if (lost !== null)
    throw new CommandFailure(
      `the deployment's audit log does not go on where the exported one ends: it was lost, or changed. What was exported is kept as ${lost}; find out who could write to the log`,
      EXIT.unverified,
    );
  return { ...records, auditLog };
}

/**
 * Brings a folder up to date: every record that a deployment has in one place only. What the folder has in the same version is
 * not fetched again. What an earlier export has and the deployment does not is kept, and is a failure, unless it is over.
 */
export async function exportRecords(operator: Client, folder: RecordFolder): Promise<ExportedRecords> {
  const began = await folder.nextMark();
  const counts = { records: 0, fetched: 0, over: 0, lost: 0 };
  for (const kind of EXPORT_ORDER) {
    await folder.make(kind);
    const before = counts.records;
    for await (const { id, version } of listedRecords(operator, kind)) {
      counts.records++;
      const outcome = await fetchInto(operator, folder, { kind, id, version });
      if (outcome === "fetched") counts.fetched++;
      if (outcome === "lacking") {
        counts.lost++;
        note(`${kind} ${id}: an earlier export has private parts that the deployment does not`);
      }
      if (outcome !== "gone") await folder.noteSeen(kind, id, began);
    }
    note(`${kind}: ${counted(counts.records - before, "record")}`);
  }
  for (const kind of EXPORT_ORDER)
    for await (const id of folder.ids(kind)) {
      if (await folder.wasSeen(kind, id, began)) continue;
      if (await isOver(operator, folder, { kind, id, began })) {
        await folder.remove(kind, id);
        counts.over++;
      } else {
        counts.lost++;
        note(`${kind} ${id}: an earlier export has it, the deployment does not`);
      }
    }
  const { lost, ...exported } = counts;
  if (lost > 0)
    throw new CommandFailure(
      `the deployment has lost ${counted(lost, "record")} that ${folder.path} still has. Bring them back with \`vdc storage bring-records\``,
      EXIT.unverified,
    );
  return { folder: folder.path, ...exported };
}

interface Listed {
  readonly id: string;
  readonly version: string | null;
}

/** Every record of a kind, page by page. */
async function* listedRecords(operator: Client, kind: RecordKind): AsyncGenerator<Listed> {
  let cursor: string | undefined;
  for (;;) {
    const page: RecordPage = await operator.call("GET /api/storage-verify/records", {
      query: { kind, cursor },
    });
    yield* page.records;
    if (page.next === null) return;
    if (page.next === cursor) throw new Error(`the deployment gave the same page of ${kind} twice`);
    cursor = page.next;
  }
}

/** `gone`: since the list was read. `lacking`: the deployment has lost a part of it, which the folder keeps. */
async function fetchInto(
  operator: Client,
  folder: RecordFolder,
  { kind, id, version }: Listed & { readonly kind: RecordKind },
): Promise<"fetched" | "kept" | "gone" | "lacking"> {
  const kept = await folder.read(kind, id);
  if (kept !== undefined && version !== null && kept.version === version) return "kept";
  const record = await operator.find("GET /api/storage-verify/records/:kind/:recordId", {
    params: { kind, recordId: id },
    timeoutMs: TIMEOUT_MS,
  });
  if (record === undefined) return "gone";
  if (version === null && record.sha256 === kept?.record.sha256) return "kept";
  const completed =
    kind === "private_archive" && kept ? await completedRecord(record, kept.record) : undefined;
  // Without a version the next export looks again whether the deployment still lacks something.
  await folder.write(completed ? { version: null, record: completed } : { version, record });
  return completed ? "lacking" : "fetched";
}

/** The archive of private parts with what an earlier export has besides; `undefined`: it lacks nothing that was not erased. */
async function completedRecord(present: StoredRecord, kept: StoredRecord): Promise<StoredRecord | undefined> {
  const [now, before] = await Promise.all([present, kept].map(archiveOf));
  if (before === undefined) return undefined;
  const { blockNumber } = before;
  const completed = completedArchive(now ?? { blockNumber, envelopes: {}, missing: [] }, before);
  const isLacking = Object.keys(completed.envelopes).some(
    (txId) => isEnvelopeOf(txId, completed.envelopes[txId]) && !isEnvelopeOf(txId, now?.envelopes[txId]),
  );
  return isLacking
    ? storedRecord(present.kind, present.id, archiveBytes(completed), present.facts)
    : undefined;
}

async function archiveOf(record: StoredRecord): Promise<PrivateArchive | undefined> {
  const bytes = await bytesOfRecord(record);
  return typeof bytes === "string" ? undefined : archiveIn(bytes);
}

/** Whether a record that has vanished from the deployment is not needed any more. What can't be told is not over. */
async function isOver(
  operator: Client,
  folder: RecordFolder,
  { kind, id, began }: { readonly kind: RecordKind; readonly id: string; readonly began: number },
): Promise<boolean> {
  if (kind === "activation_token") {
    const token = readTokenMetadata((await folder.read(kind, id))?.record.facts);
    return token !== undefined && token.usedBy === undefined && token.expiresAt < began;
  }
  const isTransaction =
    kind === "pending_transaction" || kind === "set_aside_transaction" || kind === "signed_intent";
  if (!isTransaction) return false;
  const status = await operator.find("GET /api/vdc/transactions/:txId", { params: { txId: id } });
  if (status?.state === "mined" || status?.state === "expired") return true;
  if (status?.state === "set_aside" && status.reason === "erased") return true;
  const next = NEXT[kind];
  return next !== undefined && (await hasSeen(folder, next, id, began));
}

/** Names the kind of record in which a transaction is found after it moved on. */
const NEXT: Partial<Record<RecordKind, RecordKind>> = {
  signed_intent: "pending_transaction",
  pending_transaction: "set_aside_transaction",
};

async function hasSeen(folder: RecordFolder, kind: RecordKind, id: string, at: number): Promise<boolean> {
  return (await folder.read(kind, id)) !== undefined && folder.wasSeen(kind, id, at);
}
