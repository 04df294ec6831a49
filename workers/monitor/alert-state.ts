/** What an operator is told of by a post. The names stand in posts, so they stay as they are. */
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

/** What a look at one thing gave. Nothing is found of what could not be read, and then nothing changes. */
export interface Finding {
  readonly alert: AlertName;
  readonly firing: boolean;
  /** What happened, what it means and what to do. */
  readonly summary: string;
  readonly details: Details;
  /** Since when it is so, when that is known. Times are milliseconds since the epoch. */
  readonly since?: number;
  /** Milliseconds that it must last before anybody is told: for what mostly passes by itself. */
  readonly patience?: number;
}

export interface AlertState {
  readonly firing: boolean;
  /** When it began to fire; of what is over, when that had begun. */
  readonly since: number;
  /** When it was seen to be over. */
  readonly overAt: number | null;
  readonly checkedAt: number;
  readonly summary: string;
  readonly details: Details;
  readonly patience: number;
  /** The last post that was taken. */
  readonly delivered: {
    readonly state: "firing" | "resolved";
    readonly since: number;
    readonly at: number;
  } | null;
  /** The last time that a post was tried. */
  readonly attemptedAt: number | null;
  /** A post was handed out, and nobody has said yet what became of it. */
  readonly underWay: boolean;
}

/** What is to be posted. */
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

/** After that, whoever was to make a post is taken for dead. Longer than a post's deadline, less than a minute. */
const UNDER_WAY = 30_000; // milliseconds

/**
 * Firing: one post when it starts, another each `repeat` milliseconds. Over: one post, owed also when no post of the
 * firing was taken for certain, since one that seemed to fail may have arrived.
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
