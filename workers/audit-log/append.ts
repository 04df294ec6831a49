import * as v from "valibot";
import type { ActionOutcome, AuditedAction } from "../../shared/objects/audit-log.ts";
import { AuditEntry, auditHash, NO_PREVIOUS_ENTRY, type AuditHead } from "../../shared/chain/audit-chain.ts";
import { canonicalText } from "../../shared/crypto/canonical.ts";
import { scrub } from "../../shared/runtime/log.ts";
import type { Sql } from "../../shared/durable-object/sqlite.ts";
import { entryAt, finishOf, newest } from "./reads.ts";

/** Records an action that an operator is about to run. */
export function started(
  sql: Sql,
  { operator, action, target, reason, requestId }: AuditedAction,
  now: number,
): AuditHead {
  return append(sql, now, {
    kind: "asked",
    operator: { name: cut(operator.name, 100), by: operator.by },
    action: cut(action, 200),
    target: clean(target, 500),
    reason: reason === null ? null : clean(reason, 1_000),
    outcome: null,
    requestId,
  });
}

/**
 * Records the outcome of an action. The first outcome stays; a repeat returns its position in the log.
 * @throws Error when the sequence is not that of an action's start
 */
export function finished(
  sql: Sql,
  sequence: number,
  { status, problem, result }: ActionOutcome,
  now: number,
): AuditHead {
  const known = finishOf(sql, sequence);
  if (known !== undefined) return headOf(known);
  const start = entryAt(sql, sequence);
  if (start?.kind !== "asked") throw new Error(`entry ${sequence} is not the start of an action`);
  const { operator, action, target, reason, requestId } = start;
  const facts =
    result &&
    Object.fromEntries(
      Object.entries(result).map(([name, value]) => [
        name,
        typeof value === "string" ? clean(value, 200) : value,
      ]),
    );
  return append(sql, now, {
    kind: "answered",
    operator,
    action,
    target,
    reason,
    outcome: { asked: sequence, status, problem, result: facts },
    requestId,
  });
}

type Unlinked<Entry> = Entry extends AuditEntry
  ? Omit<Entry, "sequence" | "at" | "previousHash" | "hash">
  : never;

/** Appends an entry. It can't be removed, so the schema of the verifiers is checked before it is stored. */
function append(sql: Sql, now: number, facts: Unlinked<AuditEntry>): AuditHead {
  const last = newest(sql);
  const linked = {
    ...facts,
    sequence: (last?.sequence ?? 0) + 1,
    at: Math.max(now, last?.at ?? 0), // clocks are set back; times in the log never go back
    previousHash: last?.hash ?? NO_PREVIOUS_ENTRY,
  };
  const entry = { ...linked, hash: auditHash(linked) };
  v.assert(AuditEntry, entry);
  sql.exec(
    "INSERT INTO entry (sequence, answers, json) VALUES (?, ?, ?)",
    entry.sequence,
    entry.outcome?.asked ?? null,
    canonicalText(entry),
  );
  return headOf(entry);
}

function headOf({ sequence, hash }: AuditEntry): AuditHead {
  return { sequence, hash };
}

/**
 * Cuts a text at a maximum length. A cut may split a surrogate pair, and a caller may send half of one: neither can be hashed.
 */
function cut(text: string, most: number): string {
  return text.slice(0, most).toWellFormed();
}

/** Removes keys and addresses from a free text, because they would stay in the log for ever. */
function clean(text: string, most: number): string {
  return cut(scrub(text), most);
}
