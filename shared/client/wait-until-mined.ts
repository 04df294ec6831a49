import type { TxId } from "../chain/transaction.ts";
import type { TransactionStatus } from "../api/transactions.ts";
import { pause } from "./pause.ts";
import { VdcProblem } from "./problem.ts";
import { askedFor, mayPass } from "./retry.ts";
import { parsed, type Attempt } from "./transport.ts";

/** The final states of a transaction: in a block, or never in one. */
export type Settled = Extract<TransactionStatus, { state: (typeof SETTLED)[number] }>;

const SETTLED = ["mined", "set_aside", "expired"] as const;

export interface Patience {
  readonly signal?: AbortSignal;
  /** Milliseconds, ten minutes by default. An operator who approves each block may take hours. */
  readonly timeout?: number;
}

/** The transaction is neither mined nor refused yet. It goes on, and the caller can wait for it again. */
export class StillWaiting extends Error {
  override readonly name = "StillWaiting";
  /** The last state seen; undefined when the chain did not know the transaction yet. */
  readonly last: TransactionStatus | undefined;

  constructor(txId: TxId, last: TransactionStatus | undefined) {
    super(`${txId} is ${last?.state ?? "not known yet"}, and was waited for no longer`);
    this.last = last;
  }
}

const TIMEOUT_MS = 600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const GROWTH = 1.5;

export interface Clock {
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

const CLOCK: Clock = { now: () => performance.now(), pause };

/**
 * Polls, less and less often, until the transaction is mined or never will be. The chain does not know a transaction for
 * a moment after it was taken. Failures that may pass are waited out, at least as long as Retry-After says.
 * @throws StillWaiting, the signal's reason, VdcProblem or VdcUnreachable for a failure that does not pass
 */
export async function waitUntilMined(
  txId: TxId,
  look: (signal?: AbortSignal) => Promise<Attempt>,
  { signal, timeout = TIMEOUT_MS }: Patience = {},
  clock: Clock = CLOCK,
): Promise<Settled> {
  const deadline = clock.now() + timeout;
  let last: TransactionStatus | undefined;
  for (let next = FIRST_PAUSE_MS; ; next = Math.min(next * GROWTH, LONGEST_PAUSE_MS)) {
    const attempt = await look(signal);
    let least = 0;
    if ("bytes" in attempt) {
      last = parsed(attempt.bytes, txId) as TransactionStatus;
      if (isSettled(last)) return last;
    } else {
      const { failure } = attempt;
      const isUnknown = failure instanceof VdcProblem && failure.slug === "not-found";
      if (!isUnknown && !mayPass(attempt)) throw failure;
      least = askedFor(attempt);
    }
    const left = deadline - clock.now();
    if (left <= 0 || least > left) throw new StillWaiting(txId, last);
    await clock.pause(Math.max(least, Math.min(next, left)), signal);
  }
}

function isSettled(status: TransactionStatus): status is Settled {
  return (SETTLED as readonly string[]).includes(status.state);
}
