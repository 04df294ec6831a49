import type { Failure } from "../../shared/dead-letters.ts";
import type { ParkedMessage } from "./record.ts";

/** One that fails every few minutes for months must still fit into a row, and a thousand of them into an answer. */
const MOST_FAILURES = 20;

/** Whether it is neither among the known ones (the latest first) nor from before them. */
export function isNews({ at, attempts }: Failure, known: readonly Failure[]): boolean {
  const oldest = known.length < MOST_FAILURES ? undefined : known.at(-1);
  if (oldest !== undefined && at <= oldest.at) return false;
  return !known.some((other) => other.at === at && other.attempts === attempts);
}

/** The known record with the only failure of the new one, unless that is no news. */
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

/** All that were made, also of the failures that are kept no more. */
export function attemptsOf(history: Pick<ParkedMessage, "failures" | "earlierAttempts">): number {
  return history.failures.reduce((total, { attempts }) => total + attempts, history.earlierAttempts ?? 0);
}
