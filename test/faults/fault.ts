/** The faults of a write. */
export const FAULTS = ["fails", "unheard", "dies", "hangs", "twice"] as const;
export type Fault = (typeof FAULTS)[number];

/** `lost`: the write reports success, and nothing is done. It is not a fault of the matrix, but prepares some cells. */
export type Happening = Fault | "lost";

/** A write, or a call that may write, as a Worker is about to do it. */
export interface Attempt {
  /** The code that does it: the Worker and the kind of its invocation. */
  readonly actor: string;
  /** The operation: `R2 put`, `chain-head.admit`, … */
  readonly does: string;
  /** The key or keys; empty for an operation without a key. */
  readonly target: string;
  /** SHA-256 of the value, if it is bytes or text. */
  readonly sha256?: string;
  /** The value, if it is text. */
  readonly value?: string;
  readonly invocation: number;
  /** The number of deliveries of the batch's first message, if a queue called. */
  readonly delivery?: number;
  /** The Worker only asks, and does not write yet. */
  readonly isOnlyAsked?: boolean;
}
