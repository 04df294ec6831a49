import type { EntryRow } from "../entries/entry-row.ts";
import type { WorkStatus } from "../entries/work-status.ts";

/** Facts about a letter, in every step of a replay. */
interface LetterFacts {
  readonly entry: Pick<EntryRow, "state" | "reason" | "dismissed_at" | "dismissed_by">;
  /** The queue that takes the message again; null: the chain head readmits the transaction. */
  readonly queue: string | null;
  /** Number of times that this replay has marked the entry to be sent. */
  readonly tries: number;
}

export interface FactsBeforeSending extends LetterFacts {
  readonly step: "before_sending";
  readonly isErased: boolean;
  /** Undefined: the work is not done, or the chain head can't tell. */
  readonly work: WorkStatus | undefined;
  /** When the replay was created. A dismissal after that is respected; an earlier one was selected on purpose. */
  readonly createdAt: number;
}

export interface FactsAfterSending extends LetterFacts {
  readonly step: "after_sending";
  readonly sent: SendResult;
  /** This replay was the last one to mark the entry, and the message has not failed since. */
  readonly isOurs: boolean;
  /** The replay was not aborted meanwhile. */
  readonly isRunning: boolean;
  /** No operator asked for the replay. */
  readonly isAutomatic: boolean;
  /** A Worker reports the work, or the chain head knows of it. */
  readonly isTraceable: boolean;
}

export type ReplayFacts = FactsBeforeSending | FactsAfterSending;

/** again: the letter was not sent, but may be tried again. */
export type SendResult =
  | { readonly outcome: "replayed" }
  | { readonly outcome: "skipped" | "failed" | "again"; readonly detail: string };

/**
 * send: is marked as replaying, then sent · open, replaying, resolved: gets this state · await_return: stays
 * `replaying`, and is resolved if the message has not failed again after some days · keep: does not change.
 */
export type EntryMove = "send" | "open" | "replaying" | "resolved" | "await_return" | "keep";

export interface ReplayDecision {
  readonly entry: EntryMove;
  /** waiting: the replay is not done with the letter. */
  readonly item: {
    readonly outcome: "waiting" | "replayed" | "skipped" | "failed";
    readonly detail: string;
  };
}

export const ERASED = "erased on request: nothing is left of it";

/** Decides what happens to an entry, and to the item of the replay that holds it. A dry run decides alike. */
export function decide(facts: ReplayFacts): ReplayDecision {
  switch (facts.step) {
    case "before_sending":
      return beforeSending(facts);
    case "after_sending":
      return afterSending(facts);
    default:
      return facts satisfies never;
  }
}

function beforeSending(facts: FactsBeforeSending): ReplayDecision {
  const { entry, queue, tries, isErased, work } = facts;
  const needless = whyNeedless(facts);
  if (needless === undefined) return { entry: "send", item: { outcome: "waiting", detail: sentTo(queue) } };
  const isDone = !isErased && work?.is === "done";
  return {
    entry: isDone && isUnsettled(entry) ? "resolved" : "keep",
    // A letter that was tried before a crash, and whose work is done now, was done by this replay.
    item:
      tries > 0 ? { outcome: "replayed", detail: sentTo(queue) } : { outcome: "skipped", detail: needless },
  };
}

function whyNeedless({ entry, isErased, work, createdAt }: FactsBeforeSending): string | undefined {
  if (isErased) return ERASED;
  if (work !== undefined) return work.detail;
  if (entry.state === "resolved") return "was resolved before";
  if (entry.state === "dismissed" && (entry.dismissed_at ?? 0) > createdAt)
    return `dismissed meanwhile by ${entry.dismissed_by}`;
  return undefined;
}

const MOST_TRIES = 5;

function afterSending(facts: FactsAfterSending): ReplayDecision {
  const { sent, entry, queue, tries, isOurs, isRunning } = facts;
  const reopened = isOurs && entry.state === "replaying" ? "open" : "keep";
  switch (sent.outcome) {
    case "replayed":
      return entry.state === "open" && !isOurs
        ? { entry: "keep", item: { outcome: "failed", detail: failedAgain(entry.reason) } }
        : { entry: moveOfSent(facts), item: { outcome: "replayed", detail: sentTo(queue) } };
    case "skipped":
      return { entry: moveOfSent(facts), item: { outcome: "skipped", detail: sent.detail } };
    case "failed":
      return { entry: reopened, item: { outcome: "failed", detail: sent.detail } };
    case "again":
      return isRunning && tries < MOST_TRIES
        ? { entry: "keep", item: { outcome: "waiting", detail: sent.detail } }
        : { entry: reopened, item: { outcome: "failed", detail: sent.detail } };
    default:
      return sent satisfies never;
  }
}

/**
 * No Worker reports the work of an untraceable letter. An operator who replays it has removed the cause, so it counts as done
 * until it fails again. A letter of an automatic replay may meet the same outage, so it must first stay away for a while.
 */
function moveOfSent({ entry, isOurs, isTraceable, isAutomatic }: FactsAfterSending): EntryMove {
  if (!isOurs || !isUnsettled(entry)) return "keep";
  if (!isTraceable) return isAutomatic ? "await_return" : "resolved";
  return entry.state === "open" ? "replaying" : "keep"; // an abort opened the entry while it was being sent
}

function isUnsettled({ state }: Pick<EntryRow, "state">): boolean {
  return state === "open" || state === "replaying";
}

function sentTo(queue: string | null): string {
  return queue === null ? "waits for a block again" : `to ${queue} again`;
}

export function failedAgain(reason: string): string {
  return `sent, and failed again: ${reason}`;
}
