import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { failedAgain } from "../replay/decide.ts";
import { failSentItem } from "../replay/store.ts";
import { failuresOf, findEntry } from "./entry-row.ts";
import { dismissErased, erasureOf, rememberErased, type ErasedEnvelope } from "./erased.ts";
import { isNews } from "./history.ts";
import type { ParkedFacts } from "./record.ts";
import { isTraceable } from "./work-status.ts";

/**
 * parked: a message was just put into R2. reindexed: its record was read from R2, and earlier actions of operators are unknown.
 */
type NoteSource = "parked" | "reindexed";

/**
 * Updates the index from a record in R2. A new failure opens the entry, whatever its state was. A known failure or an older
 * record changes nothing. The entry of an erased transaction stays dismissed.
 * @returns the erasure that covers the record's envelope
 */
export function note(
  sql: Sql,
  parked: ParkedFacts,
  now: number,
  source: NoteSource = "parked",
): ErasedEnvelope | undefined {
  if (parked.erased !== undefined) rememberErased(sql, parked.erased);
  noteFailures(sql, parked, now, source);
  const erased = erasureOf(sql, parked.sealedTxId ?? parked.txId);
  if (erased !== undefined) dismissErased(sql, erased);
  return erased;
}

function noteFailures(sql: Sql, parked: ParkedFacts, now: number, source: NoteSource): void {
  const known = findEntry(sql, parked.id);
  if (parked.sealedTxId !== null)
    sql.exec("UPDATE entry SET sealed_tx_id = ? WHERE id = ?", parked.sealedTxId, parked.id);
  if (known !== undefined && source === "parked" && known.needs_operator === 1)
    sql.exec("UPDATE entry SET needs_operator = 0 WHERE id = ?", parked.id);
  if (known !== undefined && !parked.failures.some((failure) => isNews(failure, failuresOf(known)))) return;
  openEntry(sql, parked, now, source);
  if (known !== undefined && known.replay_id !== null)
    failSentItem(sql, known.replay_id, known.id, failedAgain(parked.reason));
}

function openEntry(sql: Sql, parked: ParkedFacts, now: number, source: NoteSource): void {
  sql.exec(
    `INSERT INTO entry (id, stage, reason, error, tx_id, sealed_tx_id, block_number, first_seen, last_seen, failures, earlier_attempts, needs_operator, state, check_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)
     ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, error = excluded.error, block_number = excluded.block_number,
       first_seen = excluded.first_seen, last_seen = excluded.last_seen, failures = excluded.failures,
       earlier_attempts = excluded.earlier_attempts, state = 'open', dismissed_by = NULL, dismissed_reason = NULL, dismissed_at = NULL, replay_id = NULL, check_at = excluded.check_at`,
    parked.id,
    parked.stage,
    parked.reason,
    parked.error,
    parked.txId,
    parked.sealedTxId,
    parked.blockNumber,
    parked.firstSeen,
    parked.lastSeen,
    JSON.stringify(parked.failures),
    parked.earlierAttempts ?? 0,
    source === "reindexed" ? 1 : 0,
    isTraceable({ tx_id: parked.txId, block_number: parked.blockNumber }) ? now : null,
  );
}
