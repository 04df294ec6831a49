import type StorageVerifier from "../workers/storage-verifier/index.ts";
import type { StorageSummary } from "../workers/storage-verifier/troubles.ts";

export interface StorageVerifierEnv {
  readonly STORAGE_VERIFIER: Service<typeof StorageVerifier>;
}

/** What is known of the tiers without reading them: counts, and how the last verification ended. */
export function storageSummary(env: StorageVerifierEnv): Promise<StorageSummary> {
  return env.STORAGE_VERIFIER.summary();
}
