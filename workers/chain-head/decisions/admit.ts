import type { ChainRules } from "../../../shared/chain/rules.ts";
import type { TransactionState } from "../../../shared/chain/states.ts";
import type { PendingDetails } from "../../../shared/storage/pending.ts";
import { addToCount, getCount, getValue } from "../storage/key-values.ts";
import { noteAdmitted, notePayment } from "./intents.ts";
import { hasPaidIntent } from "../reads/intents.ts";
import { noteMilestone } from "../reads/latency.ts";
import { mineIfDue } from "./request-mining.ts";
import type { Sql } from "../storage/schema.ts";

export interface AdmissionRequest extends PendingDetails {
  readonly txId: string;
  /** Length of the transaction's envelope in R2, in bytes. */
  readonly envelopeSize: number;
}

/**
 * `finished`: the transaction's block is complete, or the transaction was refused, or it was erased before a block took it. A
 * pending object of this id is a leftover or a late duplicate and may be deleted.
 */
export type Admission = "admitted" | "waiting" | "mined" | "finished" | "set_aside";

export interface Admissions {
  readonly results: readonly Admission[];
  readonly pending: number;
  /** Paid submissions wait to be released. */
  readonly releaseNow: boolean;
}

/**
 * Admits each id once, for ever. For an id that is already known, the result says where the transaction is. Requests mining in the
 * same decision if it is due: no Worker has to ask for it.
 */
export function admit(
  sql: Sql,
  entries: readonly AdmissionRequest[],
  rules: ChainRules,
  now: number,
): Admissions {
  let sequence = getCount(sql, "sequence");
  const before = sequence;
  const results = entries.map((entry) => {
    const known = whereabouts(sql, entry.txId);
    if (known !== undefined) return known;
    insert(sql, entry, ++sequence, now);
    return "admitted";
  });
  // Also for repeats: after a restore, this rebuilds the list of paid and admitted submissions.
  for (const { txId, pays } of entries) {
    if (pays !== undefined) notePayment(sql, txId, pays);
    noteAdmitted(sql, txId);
  }
  const admitted = entries.filter((_, i) => results[i] === "admitted");
  noteMilestone(
    sql,
    "admitted",
    admitted.map(({ timestamp }) => timestamp),
    now,
  );
  addToCount(sql, "sequence", sequence - before);
  addToCount(sql, "waiting", sequence - before);
  addToCount(sql, "unapproved", sequence - before);
  addToCount(sql, "pending", sequence - before);
  mineIfDue(sql, rules, now);
  return { results, pending: getCount(sql, "pending"), releaseNow: hasPaidIntent(sql) };
}

/** Stores a new transaction. It counts as paid also when a payment pays for its submission. */
function insert(sql: Sql, entry: AdmissionRequest, sequence: number, now: number): void {
  const { txId, timestamp, size, envelopeSize, grants, needs, paid } = entry;
  sql.exec(
    `INSERT INTO tx (id, sequence, timestamp, size, envelope_size, admitted_at, grants, needs, paid, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?,
     ? OR EXISTS (SELECT 1 FROM intent WHERE tx_id = ? AND paid_by IS NOT NULL), 'pending')`,
    txId,
    sequence,
    timestamp,
    size,
    envelopeSize,
    now,
    grants ?? null,
    needs ?? null,
    paid === true ? 1 : 0,
    txId,
  );
}

function whereabouts(sql: Sql, txId: string): Admission | undefined {
  const [known] = sql
    .exec<{
      state: TransactionState;
      reason: string | null;
      forget_at: number | null;
      block_state: string | null;
    }>(
      "SELECT tx.state, tx.reason, tx.forget_at, block.state AS block_state FROM tx LEFT JOIN block ON block.number = tx.block WHERE tx.id = ?",
      txId,
    )
    .toArray();
  if (known === undefined) return undefined;
  if (known.state === "set_aside") {
    if (known.forget_at !== null) return "finished";
    // During a restore, a block that is not restored yet may hold the erased transaction.
    return known.reason === "erased" && !getValue(sql, "restoring") ? "finished" : "set_aside";
  }
  if (known.state === "mined") {
    // During a restore, the chain head does not know yet which blocks were cleaned.
    const cleared = known.block_state === "complete" && !getValue(sql, "restoring");
    return cleared ? "finished" : "mined";
  }
  return "waiting";
}
