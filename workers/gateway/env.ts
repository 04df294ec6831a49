import type { AuditEnv } from "../../shared/objects/audit-log.ts";
import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { DeadLettersEnv } from "../../shared/objects/dead-letters.ts";
import type { LogHeadEnv } from "../../shared/objects/log-head.ts";
import type { MonitorEnv } from "../../shared/objects/monitor.ts";
import type Accounts from "../accounts/index.ts";
import type StorageVerifier from "../storage-verifier/index.ts";

export interface Env extends ChainHeadEnv, LogHeadEnv, MonitorEnv, DeadLettersEnv, AuditEnv {
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
