/** What the platform does to a write. */
export const FAULTS = ["fails", "unheard", "dies", "hangs", "twice"] as const;
export type Fault = (typeof FAULTS)[number];

/** `lost`: it answers as if it were done, and is not. No fault of the matrix: it prepares the ground for some cells. */
export type Happening = Fault | "lost";

/** A write, or a call that may write, as a Worker is about to do it. */
export interface Attempt {
  /** Which code does it: the Worker and what it was called for. */
  readonly actor: string;
  /** What it does: `R2 put`, `chain-head.admit`, … */
  readonly does: string;
  /** To what: a key, several, or nothing. */
  readonly target: string;
  /** SHA-256 of what is put, where that is bytes or text. */
  readonly sha256?: string;
  /** What is put, where it is text. */
  readonly value?: string;
  readonly invocation: number;
  /** How often the queue has delivered the first message of the batch, where a queue called. */
  readonly delivery?: number;
  /** Asks what would happen to it, and does not do it yet. */
  readonly isOnlyAsked?: boolean;
}
