import * as v from "valibot";
import { archiveBytes, archiveIn } from "../../shared/storage/private-archive.ts";
import { bytesOfRecord, jsonIn, storedRecord, type StoredRecord } from "../../shared/storage/records.ts";
import type { AuditEntry } from "../../shared/chain/audit-chain.ts";

const ERASE = "POST /api/privacy/:txId/erase";
const TX_ID = /\/api\/privacy\/(vdc_tx_[0-9a-f]{40})\/erase/;

/** The transaction that the entry of the audit log says was erased. */
export function erasedBy({ action, target, outcome }: AuditEntry): string | undefined {
  if (action !== ERASE || outcome === null || outcome.problem !== null) return undefined;
  return TX_ID.exec(target)?.[1];
}

/**
 * A record without what was erased since it was exported; `undefined`: nothing of it may come back. An export may be older than
 * an erasure, and what was erased stays so.
 */
export async function withoutErased(
  record: StoredRecord,
  erased: ReadonlySet<string>,
): Promise<StoredRecord | undefined> {
  const { kind, id } = record;
  if (kind === "pending_transaction" || kind === "set_aside_transaction" || kind === "signed_intent")
    return erased.has(id) ? undefined : record;
  const bytes = await bytesOfRecord(record);
  if (typeof bytes === "string") return record; // the deployment says what is wrong with it
  if (kind === "dead_letter") return isLetterOf(bytes, erased) ? undefined : record;
  if (kind !== "private_archive") return record;
  const archive = archiveIn(bytes);
  const gone = Object.keys(archive?.envelopes ?? {}).filter((txId) => erased.has(txId));
  if (archive === undefined || gone.length === 0) return record;
  const envelopes = Object.fromEntries(
    Object.entries(archive.envelopes).filter(([txId]) => !erased.has(txId)),
  );
  const stripped = { ...archive, envelopes, erased: [...(archive.erased ?? []), ...gone].toSorted() };
  return storedRecord(kind, id, archiveBytes(stripped), record.facts);
}

const Letter = v.object({ message: v.object({ envelope: v.object({ txId: v.string() }) }) });

function isLetterOf(bytes: Uint8Array, erased: ReadonlySet<string>): boolean {
  const letter = v.safeParse(Letter, jsonIn(bytes));
  return letter.success && erased.has(letter.output.message.envelope.txId);
}
