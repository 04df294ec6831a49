import type { Failure } from "../../../shared/api/dead-letters.ts";
import type { ParkedMessage } from "./record.ts";

/**
 * Limit of kept failures: a message that fails every few minutes for months must fit into a row, and a thousand such messages
 * into an answer.
 */
const MOST_FAILURES = 20;

/** Decides whether a failure is new: not among the known ones (the latest first), and not older than them. */
export function isNews({ at, attempts }: Failure, known: readonly Failure[]): boolean {
  const oldest = known.length < MOST_FAILURES ? undefined : known.at(-1);
  if (oldest !== undefined && at <= oldest.at) return false;
  return !known.some((other) => other.at === at && other.attempts === attempts);
}

/** Adds the only failure of the new record to the known record, if that failure is new. */
export function withFailure(known: ParkedMessage, parked: ParkedMessage): ParkedMessage {
  if (!parked.failures.some((failure) => isNews(failure, known.failures))) return known;
  const failures = [...parked.failures, ...known.failures].toSorted((a, b) => b.at - a.at);
  const latest = parked.lastSeen >= known.lastSeen ? parked : known;
  const earlierAttempts = attemptsOf({ ...known, failures: failures.slice(MOST_FAILURES) });
  return {
    ...known,
    reason: latest.reason,
    error: latest.error,
    blockNumber: latest.blockNumber,
    firstSeen: Math.min(known.firstSeen, parked.firstSeen),
    lastSeen: latest.lastSeen,
    failures: failures.slice(0, MOST_FAILURES),
    ...(earlierAttempts > 0 && { earlierAttempts }),
  };
}

/** Counts all attempts, also those of failures that are not kept. */
export function attemptsOf(history: Pick<ParkedMessage, "failures" | "earlierAttempts">): number {
  return history.failures.reduce((total, { attempts }) => total + attempts, history.earlierAttempts ?? 0);
}
