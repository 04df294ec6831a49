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
 * The result of one check. A check that could not read its input has no result, and the alert's state then does not change.
 */
export interface AlertCheck {
  readonly alert: AlertName;
  readonly firing: boolean;
  /** Says what happened, what it means and what to do. */
  readonly summary: string;
  readonly details: Details;
  /** Since when the alert's condition holds, if that is known. Times are milliseconds since the epoch. */
  readonly since?: number;
  /** How long the condition must last before it is posted. Set for a condition that usually passes by itself. */
  readonly firesAfterMs?: number;
}

/** An alert that a check started or ended. */
export interface AlertChange {
  readonly alert: AlertName;
  readonly firing: boolean;
  readonly summary: string;
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
  readonly firesAfterMs: number;
  /** The last post that the webhook accepted. */
  readonly delivered: {
    readonly state: "firing" | "resolved";
    readonly since: number;
    readonly at: number;
  } | null;
  /** When a post was last tried. */
  readonly attemptedAt: number | null;
  /** A post was handed out, and its result is not recorded yet. */
  readonly inFlight: boolean;
}

/** A post that is due. */
export interface DuePost {
  readonly alert: AlertName;
  readonly state: "firing" | "resolved";
  readonly summary: string;
  readonly since: number;
  readonly at: number;
  readonly details: Details;
}
