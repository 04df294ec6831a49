import { describe, expect, it } from "vitest";
import { DEAD_LETTER_STATES, type DeadLetterState } from "../../../../shared/api/dead-letters.ts";
import type { WorkStatus } from "../../../../workers/dead-letters/entries/work-status.ts";
import {
  decide,
  type FactsAfterSending,
  type FactsBeforeSending,
  type SendResult,
} from "../../../../workers/dead-letters/replay/decide.ts";

const CREATED_AT = 1_000;
const BOTH = [false, true];
const QUEUES = ["vdc-indexer", null];
const TRIES = [0, 1, 4, 5];

/** Every combination of the values that are given for each member. */
function combinations<T extends object>(values: { readonly [K in keyof T]: readonly T[K][] }): T[] {
  let all: object[] = [{}];
  for (const [name, some] of Object.entries<readonly unknown[]>(values))
    all = all.flatMap((facts) => some.map((value) => ({ ...facts, [name]: value })));
  return all as T[];
}

function entryIn(state: DeadLetterState, dismissedAt = CREATED_AT) {
  const isDismissed = state === "dismissed";
  return {
    state,
    reason: "missing",
    dismissed_at: isDismissed ? dismissedAt : null,
    dismissed_by: isDismissed ? "ann" : null,
  };
}

const ENTRIES = {
  open: entryIn("open"),
  replaying: entryIn("replaying"),
  resolved: entryIn("resolved"),
  "dismissed before": entryIn("dismissed"),
  "dismissed meanwhile": entryIn("dismissed", CREATED_AT + 1),
};
type EntryCase = keyof typeof ENTRIES;
const nameOf = (entry: object) =>
  Object.keys(ENTRIES).find((name) => ENTRIES[name as EntryCase] === entry) as EntryCase;

const WORK = {
  "not known to be done": undefined,
  done: { is: "done", detail: "already mined in block 7" },
  "under way": { is: "under_way", detail: "already waits for a block" },
} satisfies Record<string, WorkStatus | undefined>;

/** Moves of each entry when its work is not known to be done, done, or under way. An erased entry always stays. */
const BEFORE: Record<EntryCase, readonly [unknown: string, done: string, underWay: string]> = {
  open: ["send", "resolved", "keep"],
  replaying: ["send", "resolved", "keep"],
  resolved: ["keep", "keep", "keep"],
  "dismissed before": ["send", "keep", "keep"],
  "dismissed meanwhile": ["keep", "keep", "keep"],
};

const NEEDLESS: Partial<Record<EntryCase, string>> = {
  resolved: "was resolved before",
  "dismissed meanwhile": "dismissed meanwhile by ann",
};

const SENT_TO = new Map([
  ["vdc-indexer", "to vdc-indexer again"],
  [null, "waits for a block again"],
]);

describe("the decision before a letter is sent", () => {
  const all = combinations<FactsBeforeSending>({
    step: ["before_sending"],
    entry: Object.values(ENTRIES),
    work: Object.values(WORK),
    isErased: BOTH,
    createdAt: [CREATED_AT],
    queue: QUEUES,
    tries: TRIES,
  });

  it("covers every combination", () => {
    expect(all).toHaveLength(5 * 3 * 2 * 2 * 4);
  });

  it.for(all)("is as in the table: $entry.state, work $work.is, erased $isErased, tries $tries", (facts) => {
    const name = nameOf(facts.entry);
    const column = facts.work === undefined ? 0 : facts.work.is === "done" ? 1 : 2;
    const entry = facts.isErased ? "keep" : BEFORE[name][column];
    const sentTo = SENT_TO.get(facts.queue);
    const needless = facts.isErased
      ? "erased on request: nothing is left of it"
      : (facts.work?.detail ?? NEEDLESS[name]);
    const item =
      entry === "send"
        ? { outcome: "waiting", detail: sentTo }
        : facts.tries > 0
          ? { outcome: "replayed", detail: sentTo }
          : { outcome: "skipped", detail: needless };
    expect(decide(facts)).toEqual({ entry, item });
  });
});

const SENT: readonly SendResult[] = [
  { outcome: "replayed" },
  { outcome: "skipped", detail: "already mined" },
  { outcome: "failed", detail: "is not in R2" },
  { outcome: "again", detail: "the queue is down" },
];

/** Moves of an entry that this replay marked last, by its state: traceable, untraceable by an operator, untraceable by itself. */
const MOVE_OF_SENT: Record<DeadLetterState, readonly [string, string, string]> = {
  open: ["replaying", "resolved", "await_return"],
  replaying: ["keep", "resolved", "await_return"],
  resolved: ["keep", "keep", "keep"],
  dismissed: ["keep", "keep", "keep"],
};

describe("the decision after a letter was sent", () => {
  const all = combinations<FactsAfterSending>({
    step: ["after_sending"],
    entry: DEAD_LETTER_STATES.map((state) => entryIn(state)),
    sent: SENT,
    isOurs: BOTH,
    isRunning: BOTH,
    isAutomatic: BOTH,
    isTraceable: BOTH,
    queue: QUEUES,
    tries: TRIES,
  });

  it("covers every combination", () => {
    expect(all).toHaveLength(4 * 4 * 2 ** 5 * 4);
  });

  it.for(SENT)("is as in the table for each of them: $outcome", (sent) => {
    for (const facts of all.filter((one) => one.sent === sent))
      expect(decide(facts), JSON.stringify(facts)).toEqual(expectedAfter(facts));
  });
});

function expectedAfter({ entry, sent, queue, tries, ...facts }: FactsAfterSending) {
  const { isOurs, isRunning, isAutomatic, isTraceable } = facts;
  const column = isTraceable ? 0 : isAutomatic ? 2 : 1;
  const moveOfSent = isOurs ? MOVE_OF_SENT[entry.state][column] : "keep";
  const reopened = isOurs && entry.state === "replaying" ? "open" : "keep";
  if (sent.outcome === "replayed")
    return entry.state === "open" && !isOurs
      ? { entry: "keep", item: { outcome: "failed", detail: "sent, and failed again: missing" } }
      : { entry: moveOfSent, item: { outcome: "replayed", detail: SENT_TO.get(queue) } };
  const { outcome, detail } = sent;
  if (outcome === "skipped") return { entry: moveOfSent, item: { outcome, detail } };
  if (outcome === "again" && isRunning && tries < 5)
    return { entry: "keep", item: { outcome: "waiting", detail } };
  return { entry: reopened, item: { outcome: "failed", detail } };
}
