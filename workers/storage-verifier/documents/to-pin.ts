import type { IndexedStatus } from "../../../shared/chain/document.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import { QUEUE_RETENTION_SECONDS } from "../../../shared/pipeline.ts";
import type { IndexedDocument } from "../../../shared/storage/documents.ts";
import { findIndexed, noteStored } from "./document-rows.ts";

/**
 * Milliseconds after which an unanswered R2 write of an upload has succeeded or failed for good: uploads have deadlines, and such
 * a write lands within minutes.
 */
const ARRIVES_WITHIN_MS = 3_600_000;

/** Milliseconds after which the queue no longer holds a document's message: the stage gave it up, or the message was lost. */
const REQUEUE_AFTER_MS = (QUEUE_RETENTION_SECONDS + 86_400) * 1_000;

/** A queue takes at most a hundred messages at once. */
const ENQUEUED_AT_ONCE = 100;

export interface DuePin {
  readonly id: string;
  readonly due: number;
}

/** Notes that R2 may get this document. Unless `noteToPin` follows, the stage looks for it in R2 after `ARRIVES_WITHIN_MS`. */
export function noteArriving(sql: Sql, id: string, now: number): void {
  sql.exec(
    "INSERT INTO to_pin (id, due) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET due = excluded.due",
    id,
    now + ARRIVES_WITHIN_MS,
  );
}

/**
 * Notes a document that R2 holds, and that it has to be pinned. The record that the index knows stays. Until the document is
 * pinned, a repeat enqueues nothing more.
 * @returns its status
 */
export function noteToPin(sql: Sql, document: IndexedDocument, now: number): IndexedStatus {
  const { id } = document;
  const known = findIndexed(sql, id);
  if (known?.status === "ok") return "ok";
  if (known === null) {
    noteStored(sql, [document], { status: "unverified", at: now });
    // Deletes the row of the arriving document. The next statement adds the row of a document to pin.
    sql.exec("DELETE FROM to_pin WHERE id = ?", id);
  }
  sql.exec("INSERT INTO to_pin (id, due) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", id, now);
  return known?.status ?? "unverified";
}

/** Returns the documents to enqueue now. */
export function duePins(sql: Sql, now: number): readonly DuePin[] {
  return sql
    .exec<{ id: string; due: number }>(
      "SELECT id, due FROM to_pin WHERE due <= ? ORDER BY due LIMIT ?",
      now,
      ENQUEUED_AT_ONCE,
    )
    .toArray();
}

/** Returns when the first document is due, in milliseconds since the epoch; `undefined` when none waits. */
export function nextPin(sql: Sql): number | undefined {
  return sql.exec<{ due: number }>("SELECT due FROM to_pin ORDER BY due LIMIT 1").toArray()[0]?.due;
}

/**
 * Notes that the documents were enqueued. A stored document stays in the outbox until it is pinned. An id that never arrived goes:
 * the stage looks for it in R2. A row that changed meanwhile stays as it is.
 */
export function noteEnqueued(sql: Sql, enqueued: readonly DuePin[], now: number): void {
  for (const { id, due } of enqueued)
    if (findIndexed(sql, id) === null) sql.exec("DELETE FROM to_pin WHERE id = ? AND due = ?", id, due);
    else sql.exec("UPDATE to_pin SET due = ? WHERE id = ? AND due = ?", now + REQUEUE_AFTER_MS, id, due);
}
