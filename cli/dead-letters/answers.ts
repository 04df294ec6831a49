/** What the calls about dead letters answer. Times in milliseconds since the epoch. */

export interface DeadLetterEntry {
  readonly id: string;
  readonly stage: string;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly txId: string | null;
  readonly blockNumber: number | null;
  readonly state: "open" | "replaying" | "resolved" | "dismissed";
  readonly dismissed: { readonly by: string; readonly reason: string; readonly at: number } | null;
  readonly failures: readonly {
    readonly at: number;
    readonly reason: string;
    readonly error: string;
    readonly attempts: number;
  }[];
}

export interface ReplayPlan {
  readonly dryRun: true;
  readonly total: number;
  readonly wouldReplay: number;
  readonly wouldSkip: number;
  readonly items: readonly {
    readonly id: string;
    readonly stage: string;
    readonly txId: string | null;
    readonly blockNumber: number | null;
    readonly action: "replay" | "skip";
    readonly detail: string;
  }[];
}

export interface Replay {
  readonly id: string;
  readonly state: "running" | "done" | "aborted";
  readonly reason: string;
  readonly by: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  readonly ratePerSecond: number;
  readonly total: number;
  readonly replayed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly items?: readonly { readonly id: string; readonly outcome: string; readonly detail: string }[];
}
