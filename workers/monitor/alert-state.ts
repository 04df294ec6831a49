/** The alerts that are posted to an operator. Posts contain these names, so they never change. */
export const ALERTS = [
  "halted",
  "stalled",
  "dead_letters",
  "failed_verification",
  "incomplete_documents",
  "pending_too_old",
  "object_nearly_full",
  "unreadable",
] as const;
export type AlertName = (typeof ALERTS)[number];

type Details = Readonly<Record<string, string | number | null>>;

/**
 * The result of one check. A check that could not read its input makes no finding, and the alert's state then does not change.
 */
export interface Finding {
  readonly alert: AlertName;
  readonly firing: boolean;
  /** Says what happened, what it means and what to do. */
  readonly summary: string;
  readonly details: Details;
  /** Since when the alert's condition holds, if that is known. Times are milliseconds since the epoch. */
  readonly since?: number;
  /** Milliseconds that the condition must last before it is posted, for a condition that usually passes by itself. */
  readonly patience?: number;
}

export interface AlertState {
  readonly firing: boolean;
  /** When the alert began to fire. After it has ended, still the beginning of that period. */
  readonly since: number;
  /** When a check first found the alert ended. */
  readonly overAt: number | null;
  readonly checkedAt: number;
  readonly summary: string;
  readonly details: Details;
  readonly patience: number;
  /** The last post that the webhook accepted. */
  readonly delivered: {
    readonly state: "firing" | "resolved";
    readonly since: number;
    readonly at: number;
  } | null;
  /** When a post was last tried. */
  readonly attemptedAt: number | null;
  /** A post was handed out, and its result is not reported yet. */
  readonly underWay: boolean;
}

/** A post that is due. */
export interface OwedPost {
  readonly alert: AlertName;
  readonly state: "firing" | "resolved";
  readonly summary: string;
  readonly since: number;
  readonly at: number;
  readonly details: Details;
}

export function afterFinding(state: AlertState | undefined, finding: Finding, now: number): AlertState {
  const { firing, summary, details } = finding;
  const begins = firing && !(state?.firing ?? false);
  const ends = !firing && (state?.firing ?? false);
  return {
    firing,
    since: begins ? (finding.since ?? now) : (state?.since ?? now),
    overAt: ends ? now : begins ? null : (state?.overAt ?? null),
    checkedAt: now,
    summary: ends || firing ? summary : (state?.summary ?? summary),
    details: ends || firing ? details : (state?.details ?? details),
    patience: finding.patience ?? 0,
    delivered: state?.delivered ?? null,
    attemptedAt: state?.attemptedAt ?? null,
    underWay: state?.underWay ?? false,
  };
}

/** Milliseconds after which the sender of a post counts as dead. Longer than a post's deadline, shorter than a minute. */
const UNDER_WAY = 30_000;

/**
 * Returns the post that is due. A firing alert is posted when it starts, and again every `repeat` milliseconds. An ended alert is
 * posted once. That post is also due when no post of the firing alert certainly arrived, because a post that seemed to fail may
 * have arrived.
 */
export function owedPost(
  alert: AlertName,
  state: AlertState,
  repeat: number,
  now: number,
): OwedPost | undefined {
  const { delivered, attemptedAt, since } = state;
  const unsure = attemptedAt !== null && attemptedAt > (delivered?.at ?? -Infinity);
  if (state.underWay && attemptedAt !== null && now - attemptedAt < UNDER_WAY) return undefined;
  const { summary, details } = state;
  if (!state.firing) {
    const believedFiring = delivered?.state === "firing" || unsure;
    return believedFiring
      ? { alert, state: "resolved", summary, since, at: state.overAt ?? now, details }
      : undefined;
  }
  if (now - since < state.patience) return undefined;
  const told = delivered?.state === "firing" && delivered.since === since;
  return told && now - delivered.at < repeat
    ? undefined
    : { alert, state: "firing", summary, since, at: now, details };
}

export function afterAttempt(state: AlertState, now: number): AlertState {
  return { ...state, attemptedAt: now, underWay: true };
}

export function afterPost(state: AlertState, post: OwedPost, taken: boolean, now: number): AlertState {
  const ended = { ...state, underWay: false };
  return taken ? { ...ended, delivered: { state: post.state, since: post.since, at: now } } : ended;
}
