import * as v from "valibot";
import { Timestamp } from "../../../shared/chain/transaction.ts";
import { type DeadLetterEntry, DeadLetterId } from "../../../shared/api/dead-letters.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { ParkedMessage } from "../../dead-letters/entries/record.ts";
import { readCursor, writeCursor } from "../http/cursor.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/dead-letters.ts";

const Cursor = v.strictObject({ firstSeen: Timestamp, id: DeadLetterId });

export const deadLetterPage = operation(
  api.deadLetterPage,
  async ({ env, query: { cursor, limit, ...filter } }) => {
    const [entries, recovering] = await Promise.all([
      deadLetters(env).list(filter, readCursor(Cursor, cursor), limit),
      deadLetters(env).recoveries(),
    ]);
    if (entries === "reindexing") throw reindexing();
    const last = entries.at(-1);
    const next =
      last !== undefined && entries.length === limit
        ? writeCursor({ firstSeen: last.firstSeen, id: last.id })
        : null;
    return json({ entries: [...entries], next, recovering } satisfies api.DeadLetterPage);
  },
);

export const deadLetter = operation(api.deadLetter, async ({ env, params: { id } }) => {
  const entry = known(id, await deadLetters(env).entry(id));
  const record = await env.R2.get(r2Keys.deadLetter(entry.stage, id));
  if (record === null)
    throw new Problem(
      "not-found",
      `Dead letter ${id} is listed, but its record is gone from R2: restore ${r2Keys.deadLetter(entry.stage, id)} from a backup.`,
    );
  const { message } = await record.json<ParkedMessage>();
  return json({ ...entry, message } satisfies api.DeadLetterWithMessage);
});

export const dismiss = operation(
  api.dismiss,
  async ({ env, params: { id }, body: { reason }, operator, log }) => {
    const by = operator?.name ?? "";
    const entry = known(id, await deadLetters(env).dismiss(id, { by, reason }));
    if (entry.state !== "dismissed")
      throw new Problem("not-needed", `Dead letter ${id} is ${entry.state}: there is nothing to dismiss.`);
    log.info("dead_letter.dismissed", { id, by });
    return json(entry satisfies DeadLetterEntry);
  },
);

function known(id: string, entry: DeadLetterEntry | null | "reindexing"): DeadLetterEntry {
  if (entry === "reindexing") throw reindexing();
  if (entry === null) throw unknownDeadLetter(id);
  return entry;
}

export function unknownDeadLetter(id: string): Problem {
  return new Problem(
    "not-found",
    `There is no dead letter ${id}. GET /api/dead-letters lists those there are.`,
  );
}

/** Refuses to answer while the index is rebuilt: an entry that is not read yet would be missing from the answer. */
export function reindexing(): Problem {
  return new Problem(
    "unavailable",
    "The index of the dead letters is being made anew from R2. Ask again in a few seconds.",
    { headers: { "retry-after": "5" } },
  );
}
