/** What the storage calls answer. */

export interface TierReport {
  readonly present: boolean;
  readonly hash: string | null;
  readonly fault?: "missing" | "corrupt" | "wrong_cid" | "forked" | "unreachable";
  readonly detail?: string;
}

export interface BlockReport {
  readonly blockNumber: number;
  readonly kv: TierReport;
  readonly r2: TierReport;
  readonly ipfs: TierReport;
  readonly index: { readonly complete: boolean; readonly missing: number | null };
  readonly source: "kv" | "r2" | "ipfs" | null;
  readonly rehydrated: Readonly<Record<string, unknown>>;
  readonly status: "ok" | "partial" | "rehydrated" | "failed";
  readonly message: string;
}

export interface VerifyAllResult {
  readonly totalBlocks: number;
  readonly verified: number;
  readonly rehydrated: number;
  readonly partial: number;
  readonly failed: number;
  readonly results: readonly BlockReport[];
  readonly duration: number;
}

export interface StorageRun extends VerifyAllResult {
  readonly id: string;
  readonly kind: "verify" | "restore";
  readonly state: "running" | "done" | "failed" | "aborted";
  readonly repair: boolean;
  readonly by: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly next: number;
  readonly message: string | null;
}

export interface StorageStatus {
  readonly totalBlocks: number;
  readonly blocks: readonly {
    readonly blockNumber: number;
    readonly kv: boolean;
    readonly r2: boolean;
    readonly ipfs: string | null;
    readonly complete: boolean;
  }[];
  readonly summary: { readonly complete: number; readonly incomplete: number };
  readonly next: number | null;
}
