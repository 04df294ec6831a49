import type { Replay } from "../../../shared/api/dead-letters.ts";
import { canonicalBytes, type Json } from "../../../shared/crypto/canonical.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import type { Sql } from "../../../shared/durable-object/sqlite.ts";
import type { NewReplay } from "./create.ts";

/** A week. */
const KEPT_FOR_MS = 7 * 86_400_000;
const FORGET_AT_ONCE = 100;

/** The earlier answer for the key, if its request was the same. */
export type Repeat = Replay | "another_request" | "none";

/** Looks up the earlier answer for a key. A refused creation is not remembered: only a created replay answers for a key. */
export function repeatOf(sql: Sql, key: string, request: NewReplay, now: number): Repeat {
  sql.exec(
    "DELETE FROM idempotency_key WHERE key IN (SELECT key FROM idempotency_key WHERE at < ? ORDER BY at LIMIT ?)",
    now - KEPT_FOR_MS,
    FORGET_AT_ONCE,
  );
  const [known] = sql
    .exec<{ request: string; answer: string }>(
      "SELECT request, answer FROM idempotency_key WHERE key = ?",
      key,
    )
    .toArray();
  if (known === undefined) return "none";
  return known.request === fingerprint(request) ? (JSON.parse(known.answer) as Replay) : "another_request";
}

export function rememberAnswer(sql: Sql, key: string, request: NewReplay, answer: Replay, now: number): void {
  sql.exec(
    "INSERT INTO idempotency_key (key, request, answer, at) VALUES (?, ?, ?, ?)",
    key,
    fingerprint(request),
    JSON.stringify(answer),
    now,
  );
}

function fingerprint(request: NewReplay): string {
  return sha256Hex(canonicalBytes(request as unknown as Json));
}
