import * as v from "valibot";
import { Timestamp, TxId } from "../../../shared/chain/transaction.ts";
import {
  DEAD_LETTER_STATES,
  DeadLetterEntry,
  DeadLetterId,
  deadLetters,
  StageRecovery,
} from "../../../shared/objects/dead-letters.ts";
import { PERMANENT_REASONS } from "../../../shared/runtime/errors.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { STAGES } from "../../../shared/pipeline.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { ParkedMessage } from "../../dead-letters/entries/record.ts";
import { readCursor, writeCursor } from "../http/cursor.ts";
import { operation } from "../http/operation.ts";
import { number, NumberOfBlock, oneOf, WholeNumber } from "../http/parameters.ts";
import { Reason } from "../http/reason.ts";

export const DeadLetterPage = v.strictObject({
  entries: v.array(DeadLetterEntry),
  next: v.nullable(v.string()),
  recovering: v.pipe(
    v.array(StageRecovery),
    v.description("Stages whose letters of retries_exhausted are being replayed by themselves"),
  ),
});
export type DeadLetterPage = v.InferOutput<typeof DeadLetterPage>;

const Cursor = v.strictObject({ firstSeen: Timestamp, id: DeadLetterId });

export const deadLetterPage = operation(
  {
    does: "What no stage could take, the newest first: why, how often, and what has become of it",
    who: "operator",
    query: v.strictObject({
      stage: v.optional(oneOf(STAGES, "The stage that gave it up")),
      reason: v.optional(oneOf(PERMANENT_REASONS, "Why, of its latest failure")),
      txId: v.optional(TxId),
      blockNumber: v.optional(NumberOfBlock),
      state: v.optional(oneOf(DEAD_LETTER_STATES, "What has become of it")),
      minAgeSeconds: v.optional(
        v.pipe(WholeNumber, v.description("Seconds since it was first seen, at least")),
      ),
      maxAgeSeconds: v.optional(
        v.pipe(WholeNumber, v.description("Seconds since it was first seen, at most")),
      ),
      limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Entries in a page, at most"),
      cursor: v.optional(v.pipe(v.string(), v.description("`next` of the page before, as it is"))),
    }),
    answers: { 200: DeadLetterPage },
    problems: ["unavailable"],
  },
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
    return json({ entries: [...entries], next, recovering } satisfies DeadLetterPage);
  },
);

/** An entry with its message as it was parked; encrypted parts are still encrypted. */
export const DeadLetterWithMessage = v.strictObject({ ...DeadLetterEntry.entries, message: v.unknown() });
export type DeadLetterWithMessage = v.InferOutput<typeof DeadLetterWithMessage>;

const params = v.strictObject({ id: DeadLetterId });

export const deadLetter = operation(
  {
    does: "One dead letter with its message, still encrypted",
    who: "operator",
    params,
    answers: { 200: DeadLetterWithMessage },
    problems: ["not-found", "unavailable"],
  },
  async ({ env, params: { id } }) => {
    const entry = known(id, await deadLetters(env).entry(id));
    const record = await env.R2.get(r2Keys.deadLetter(entry.stage, id));
    if (record === null)
      throw new Problem(
        "not-found",
        `Dead letter ${id} is listed, but its record is gone from R2: restore ${r2Keys.deadLetter(entry.stage, id)} from a backup.`,
      );
    const { message } = await record.json<ParkedMessage>();
    return json({ ...entry, message } satisfies DeadLetterWithMessage);
  },
);

export const DismissRequest = v.strictObject({ reason: Reason });
export type DismissRequest = v.InferOutput<typeof DismissRequest>;

export const dismiss = operation(
  {
    does: "Says why nothing is to be done about a dead letter; it is kept, and opens again if it fails again",
    who: "operator",
    params,
    body: DismissRequest,
    answers: { 200: DeadLetterEntry },
    problems: ["not-found", "unavailable", "not-needed"],
  },
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
