/** What `StorageRuns.summary()` answers. Times are milliseconds since the epoch. */
export interface StorageSummary {
  /** Blocks that each tier was last seen to hold. */
  readonly blocks: {
    readonly kv: number;
    readonly r2: number;
    readonly ipfs: number;
    readonly countedAt: number;
  } | null;
  /** Blocks that no tier could give, and blocks that some tier lacks. */
  readonly failing: number;
  readonly partial: number;
  readonly lastRun: {
    readonly id: string;
    readonly kind: string;
    readonly state: string;
    readonly finishedAt: number | null;
    readonly failed: number;
  } | null;
  readonly rehydrated: { readonly kv: number; readonly r2: number; readonly ipfs: number };
}

/** To be connected: `env.STORAGE_RUNS.getByName(env.CHAIN_ID).summary()`. */
export async function storageSummary(_env: object): Promise<StorageSummary> {
  throw new Error("the storage verifier is not connected yet");
}
