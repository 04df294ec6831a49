import * as v from "valibot";
import type { Deed, Outcome } from "../../shared/audit.ts";
import { AuditEntry, auditHash, NO_PREVIOUS_ENTRY, type AuditHead } from "../../shared/audit-chain.ts";
import { canonicalText } from "../../shared/crypto/canonical.ts";
import { scrub } from "../../shared/log.ts";
import type { Sql } from "../../shared/sqlite.ts";
import { answerTo, entryAt, newest } from "./reads.ts";

/** What somebody is about to do. */
export function asked(sql: Sql, deed: Deed, now: number): AuditHead {
  const { operator, action, target, reason, requestId } = deed;
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
 * What came of what was asked. The first answer stays: told again, this tells where it stands.
 * @throws Error when nothing was asked under that sequence
 */
export function answered(sql: Sql, sequence: number, { status, problem, result }: Outcome, now: number) {
  const known = answerTo(sql, sequence);
  if (known !== undefined) return headOf(known);
  const question = entryAt(sql, sequence);
  if (question?.kind !== "asked") throw new Error(`entry ${sequence} asks nothing that could be answered`);
  const { operator, action, target, reason, requestId } = question;
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

/** An entry can't be taken out again, so what no verifier would take must not get in. */
function append(sql: Sql, now: number, facts: Unlinked<AuditEntry>): AuditHead {
  const last = newest(sql);
  const linked = {
    ...facts,
    sequence: (last?.sequence ?? 0) + 1,
    at: Math.max(now, last?.at ?? 0), // clocks are set back; the log does not run backwards
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

/** A cut may split a surrogate pair, and a caller may have sent half of one: neither can be hashed. */
function cut(text: string, most: number): string {
  return text.slice(0, most).toWellFormed();
}

/** Free text. A customer's address or a key in it would stay for ever. */
function clean(text: string, most: number): string {
  return cut(scrub(text), most);
}
