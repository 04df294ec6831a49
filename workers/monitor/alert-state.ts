import type { AlertCheck, AlertName, AlertState, DuePost } from "../../shared/objects/alerts.ts";

export function afterCheck(state: AlertState | undefined, check: AlertCheck, now: number): AlertState {
  const { firing, summary, details } = check;
  const begins = firing && !(state?.firing ?? false);
  const ends = !firing && (state?.firing ?? false);
  return {
    firing,
    since: begins ? (check.since ?? now) : (state?.since ?? now),
    overAt: ends ? now : begins ? null : (state?.overAt ?? null),
    checkedAt: now,
    summary: ends || firing ? summary : (state?.summary ?? summary),
    details: ends || firing ? details : (state?.details ?? details),
    firesAfterMs: check.firesAfterMs ?? 0,
    delivered: state?.delivered ?? null,
    attemptedAt: state?.attemptedAt ?? null,
    inFlight: state?.inFlight ?? false,
  };
}

/** After this time the sender of a post counts as dead. Longer than a post's deadline, shorter than a minute. */
const SENDER_DEAD_AFTER_MS = 30_000;

/**
 * Returns the post that is due. A firing alert is posted when it starts, and again every `repeatMs`. An ended alert is posted
 * once. That post is also due when no post of the firing alert certainly arrived, because a post that seemed to fail may have
 * arrived.
 */
export function duePost(
  alert: AlertName,
  state: AlertState,
  repeatMs: number,
  now: number,
): DuePost | undefined {
  const { delivered, attemptedAt, since, summary, details } = state;
  if (state.inFlight && attemptedAt !== null && now - attemptedAt < SENDER_DEAD_AFTER_MS) return undefined;
  if (!state.firing) {
    const mayHaveArrived = attemptedAt !== null && attemptedAt > (delivered?.at ?? -Infinity);
    return delivered?.state === "firing" || mayHaveArrived
      ? { alert, state: "resolved", summary, since, at: state.overAt ?? now, details }
      : undefined;
  }
  if (now - since < state.firesAfterMs) return undefined;
  const posted = delivered?.state === "firing" && delivered.since === since;
  return posted && now - delivered.at < repeatMs
    ? undefined
    : { alert, state: "firing", summary, since, at: now, details };
}

export function afterAttempt(state: AlertState, now: number): AlertState {
  return { ...state, attemptedAt: now, inFlight: true };
}

/** @param accepted whether the webhook accepted the post */
export function afterPost(state: AlertState, post: DuePost, accepted: boolean, now: number): AlertState {
  const ended = { ...state, inFlight: false };
  return accepted ? { ...ended, delivered: { state: post.state, since: post.since, at: now } } : ended;
}
