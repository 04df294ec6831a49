import type { AuditEnv } from "../../shared/audit.ts";
import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { DeadLettersEnv } from "../../shared/dead-letters.ts";
import type { MonitorEnv } from "../../shared/monitor.ts";
import type Accounts from "../accounts/index.ts";
import type StorageVerifier from "../storage-verifier/index.ts";

export interface Env extends ChainHeadEnv, MonitorEnv, DeadLettersEnv, AuditEnv {
  readonly KV: KVNamespace;
  /** The gateway only reads R2. */
  readonly R2: R2Bucket;
  readonly INGEST_WEBHOOK: Fetcher;
  readonly STORAGE_VERIFIER: Service<typeof StorageVerifier>;
  readonly ACCOUNTS: Service<typeof Accounts>;
  readonly PUBLIC_WRITES: RateLimit;
  readonly UNKNOWN_READS: RateLimit;
  readonly PUBLIC_UPLOADS: RateLimit;
  readonly RATE_LIMITING: string;
  readonly IPFS_GATEWAY_URL: string;
  readonly READY_MAX_AGE_SECONDS: string;
  readonly ADMIN_SECRET?: string;
  readonly ACCESS_AUD?: string;
}
