import type { AuditEnv } from "../../shared/objects/audit-log.ts";
import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";
import type { DeadLettersEnv } from "../../shared/objects/dead-letters.ts";
import type { DocumentIndexEnv } from "../../shared/objects/document-index.ts";
import type { LogHeadEnv } from "../../shared/objects/log-head.ts";
import { logger, type Log } from "../../shared/runtime/log.ts";
import type { VerifyStorage } from "../../shared/queue/messages.ts";
import type { TiersEnv } from "../../shared/storage/tiers.ts";
import type { StorageRuns } from "./runs/storage-runs.ts";

export interface Env
  extends StageEnv, ChainHeadEnv, LogHeadEnv, TiersEnv, AuditEnv, DeadLettersEnv, DocumentIndexEnv {
  readonly STORAGE_RUNS: DurableObjectNamespace<StorageRuns>;
  /** The verifier's own queue: a run goes on in chunks. */
  readonly STORAGE_VERIFIER_QUEUE: Queue<VerifyStorage>;
  /** Number of blocks that the rolling verification takes each day. */
  readonly VERIFY_BLOCKS_A_DAY: string;
  /** Number of documents that the rolling verification takes each day. */
  readonly VERIFY_DOCUMENTS_A_DAY: string;
  /** `true`: the rolling verification restores missing copies; otherwise it only reports them. */
  readonly AUTO_REHYDRATE: string;
  /** ISO 8601. Records of an export are accepted until then; when it is empty or no time, none is. */
  readonly ACCEPT_RECORDS_UNTIL: string;
  /** Seconds after which a run that has not moved is enqueued again. */
  readonly STALL_AFTER_SECONDS: string;
}

/** The name under which the cron starts the rolling verification. */
export const SCHEDULE = "schedule";

const BLOCKS_A_DAY_OTHERWISE = 1_000;
const DOCUMENTS_A_DAY_OTHERWISE = 500;

export function blocksADay({ VERIFY_BLOCKS_A_DAY: value }: Env, log: Log): number {
  return countOf({ setting: "VERIFY_BLOCKS_A_DAY", value, otherwise: BLOCKS_A_DAY_OTHERWISE }, log);
}

export function documentsADay({ VERIFY_DOCUMENTS_A_DAY: value }: Env, log: Log): number {
  return countOf({ setting: "VERIFY_DOCUMENTS_A_DAY", value, otherwise: DOCUMENTS_A_DAY_OTHERWISE }, log);
}

/** Reads a count. An invalid setting is logged and replaced by the default, because it must not end the verification. */
function countOf(
  { setting, value, otherwise }: { setting: string; value: string | undefined; otherwise: number },
  log: Log,
): number {
  if (/^[1-9]\d{0,6}$/.test(value ?? "")) return Number(value);
  log.error("setting.ignored", { setting, detail: `must be a number above 0; ${otherwise} counts` });
  return otherwise;
}

export function storageRuns(env: Pick<Env, "STORAGE_RUNS" | "CHAIN_ID">): DurableObjectStub<StorageRuns> {
  return env.STORAGE_RUNS.getByName(env.CHAIN_ID);
}

export function logOf(requestId: string): Log {
  return logger("storage-verifier", { requestId });
}
