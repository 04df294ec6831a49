import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Timestamp, TxId } from "../chain/transaction.ts";
import { STAGES } from "../pipeline.ts";
import { PERMANENT_REASONS } from "../runtime/errors.ts";
import { Count } from "./count.ts";
import { number, NumberOfBlock, oneOf, WholeNumber } from "./parameters.ts";
import type { Plan } from "./plan.ts";
import { Reason } from "./reason.ts";

/**
 * open: the cause is not mended yet · replaying: sent again, not known to be done · resolved: its work is done ·
 * dismissed: an operator stated why it needs no work. A letter that fails again is open again, and so is a letter without
 * news for five days after its replay.
 */
export const DEAD_LETTER_STATES = ["open", "replaying", "resolved", "dismissed"] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export const DeadLetterId = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{32}$/, "expected 32 lower-case hex digits"),
  v.description("A dead letter's id"),
);

const Stage = v.picklist(STAGES);
const State = v.picklist(DEAD_LETTER_STATES);

export const Failure = v.strictObject({
  at: Timestamp,
  reason: v.string(),
  error: v.string(),
  attempts: Count,
});
export type Failure = v.InferOutput<typeof Failure>;

export const Dismissal = v.strictObject({ by: v.string(), reason: v.string(), at: Timestamp });
export type Dismissal = v.InferOutput<typeof Dismissal>;

/** The record of a message, a set-aside transaction or a block that could not go on. */
export const DeadLetterEntry = v.strictObject({
  id: DeadLetterId,
  stage: Stage,
  reason: v.string(),
  error: v.string(),
  /** Number of all attempts, including those whose failures are no longer kept. */
  attempts: Count,
  firstSeen: Timestamp,
  lastSeen: Timestamp,
  txId: v.nullable(v.string()),
  blockNumber: v.nullable(v.number()),
  state: State,
  replaysItself: v.pipe(
    v.boolean(),
    v.description(
      "True if the entry is open and VDC sends it again without an operator once its stage works",
    ),
  ),
  dismissed: v.nullable(Dismissal),
  /** The latest 20 failures, the latest first. */
  failures: v.array(Failure),
});
export type DeadLetterEntry = v.InferOutput<typeof DeadLetterEntry>;

/** Ages count from `firstSeen`. */
export const DeadLetterFilter = v.pipe(
  v.strictObject({
    stage: v.optional(Stage),
    reason: v.optional(v.picklist(PERMANENT_REASONS)),
    txId: v.optional(TxId),
    blockNumber: v.optional(BlockNumber),
    state: v.optional(State),
    minAgeSeconds: v.optional(Count),
    maxAgeSeconds: v.optional(Count),
  }),
  v.minEntries(1, "name at least one condition, or say { all: true }"),
);
export type DeadLetterFilter = v.InferOutput<typeof DeadLetterFilter>;

const MOST_IDS = 1_000;

/** The dead letters that a replay or a dismissal acts on. A filter without a state, and `all`, select the open ones. */
export const Selection = v.union(
  [
    v.strictObject({
      ids: v.pipe(
        v.array(DeadLetterId),
        v.minLength(1, "name at least one dead letter"),
        v.maxLength(MOST_IDS, `at most ${MOST_IDS}: select more by a filter`),
      ),
    }),
    v.strictObject({ filter: DeadLetterFilter }),
    v.strictObject({ all: v.literal(true) }),
  ],
  "say which: { ids: […] }, { filter: {…} } or { all: true }",
);
export type Selection = v.InferOutput<typeof Selection>;

export const REPLAY_RATE = { least: 1, most: 500, otherwise: 10 } as const;

export const Replay = v.strictObject({
  id: v.string(),
  state: v.picklist(["running", "done", "aborted"]),
  reason: v.string(),
  by: v.string(),
  createdAt: Timestamp,
  endedAt: v.nullable(Timestamp),
  ratePerSecond: Count,
  automatic: v.pipe(v.boolean(), v.description("No operator asked for it: its stage may work again")),
  selecting: v.pipe(v.boolean(), v.description("It still takes entries of its selection; `total` grows")),
  total: Count,
  replayed: Count,
  /** Letters that were not sent, because their work was done or they were dismissed meanwhile. */
  skipped: Count,
  /** Letters that could not be sent, or that failed again after they were sent. */
  failed: Count,
  /** The first 1,000 letters, in the order of the replay. */
  items: v.optional(
    v.array(
      v.strictObject({
        id: DeadLetterId,
        outcome: v.picklist(["waiting", "replayed", "skipped", "failed"]),
        detail: v.string(),
      }),
    ),
  ),
});
export type Replay = v.InferOutput<typeof Replay>;

/** The effect that a replay would have at this moment. */
export const ReplayPlan = v.strictObject({
  dryRun: v.literal(true),
  total: v.pipe(Count, v.description("How many were looked at: the first 1,000 of what is selected")),
  wouldReplay: v.pipe(Count, v.description("Would be sent, and may succeed")),
  wouldFail: v.pipe(
    Count,
    v.description(
      "Would be sent, and would fail again. Of those that `items` shows; the others are not looked into",
    ),
  ),
  wouldSkip: v.pipe(
    Count,
    v.description("Would not be sent: their work is done, or nothing is left of them"),
  ),
  more: v.pipe(v.boolean(), v.description("More are selected than were looked at")),
  /** The first 100 letters. */
  items: v.array(
    v.strictObject({
      id: DeadLetterId,
      stage: Stage,
      txId: v.nullable(v.string()),
      blockNumber: v.nullable(v.number()),
      action: v.picklist(["replay", "fail_again", "skip"]),
      detail: v.string(),
    }),
  ),
});
export type ReplayPlan = v.InferOutput<typeof ReplayPlan>;

/** The effect that a dismissal of several letters would have at this moment. */
export const DismissalPlan = v.strictObject({
  dryRun: v.literal(true),
  asOf: v.pipe(Timestamp, v.description("To be sent with the dismissal: what fails later is not in it")),
  total: v.pipe(Count, v.description("How many were looked at: the first 1,000 of what is selected")),
  wouldDismiss: Count,
  wouldSkip: v.pipe(Count, v.description("Resolved, or dismissed already")),
  more: v.pipe(
    v.boolean(),
    v.description("More are selected than were looked at; a dismissal takes these too"),
  ),
  /** The first 100. */
  items: v.array(
    v.strictObject({
      id: DeadLetterId,
      stage: Stage,
      reason: v.string(),
      txId: v.nullable(v.string()),
      blockNumber: v.nullable(v.number()),
      action: v.picklist(["dismiss", "skip"]),
      detail: v.string(),
    }),
  ),
});
export type DismissalPlan = v.InferOutput<typeof DismissalPlan>;

export const Dismissed = v.strictObject({
  dryRun: v.literal(false),
  dismissed: Count,
  more: v.pipe(v.boolean(), v.description("There may be more: send the same request again")),
});
export type Dismissed = v.InferOutput<typeof Dismissed>;

/**
 * A stage whose letters of `retries_exhausted` are replayed without an operator. probing: one letter at a time is sent,
 * to test whether the stage works again · replaying: one letter succeeded, so the others follow.
 */
export const StageRecovery = v.strictObject({
  stage: Stage,
  phase: v.picklist(["probing", "replaying"]),
  nextAt: v.pipe(v.nullable(Timestamp), v.description("When the next letter is sent, while it is probed")),
});
export type StageRecovery = v.InferOutput<typeof StageRecovery>;

export const DeadLetterPage = v.strictObject({
  entries: v.array(DeadLetterEntry),
  next: v.nullable(v.string()),
  recovering: v.pipe(
    v.array(StageRecovery),
    v.description("Stages whose letters of retries_exhausted are being replayed by themselves"),
  ),
});
export type DeadLetterPage = v.InferOutput<typeof DeadLetterPage>;

export const deadLetterPage = {
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
    maxAgeSeconds: v.optional(v.pipe(WholeNumber, v.description("Seconds since it was first seen, at most"))),
    limit: number({ least: 1, most: 1_000, otherwise: 100 }, "Entries in a page, at most"),
    cursor: v.optional(v.pipe(v.string(), v.description("`next` of the page before, as it is"))),
  }),
  answers: { 200: DeadLetterPage },
  problems: ["unavailable"],
} as const satisfies Plan;

/** An entry with its message as it was parked; encrypted parts are still encrypted. */
export const DeadLetterWithMessage = v.strictObject({ ...DeadLetterEntry.entries, message: v.unknown() });
export type DeadLetterWithMessage = v.InferOutput<typeof DeadLetterWithMessage>;

const params = v.strictObject({ id: DeadLetterId });

export const deadLetter = {
  does: "One dead letter with its message, still encrypted",
  who: "operator",
  params,
  answers: { 200: DeadLetterWithMessage },
  problems: ["not-found", "unavailable"],
} as const satisfies Plan;

export const DismissRequest = v.strictObject({ reason: Reason });
export type DismissRequest = v.InferOutput<typeof DismissRequest>;

export const dismiss = {
  does: "Says why nothing is to be done about a dead letter; it is kept, and opens again if it fails again",
  who: "operator",
  params,
  body: DismissRequest,
  answers: { 200: DeadLetterEntry },
  problems: ["not-found", "unavailable", "not-needed"],
} as const satisfies Plan;
