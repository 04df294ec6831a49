import type { AuditEnv } from "../../shared/audit.ts";
import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import type { DeadLettersEnv } from "../../shared/dead-letters.ts";
import { logger, type Log } from "../../shared/log.ts";
import type { VerifyStorage } from "../../shared/messages.ts";
import type { TiersEnv } from "../../shared/storage/tiers.ts";
import type { StorageRuns } from "./storage-runs.ts";

export interface Env extends StageEnv, ChainHeadEnv, TiersEnv, AuditEnv, DeadLettersEnv {
  readonly STORAGE_RUNS: DurableObjectNamespace<StorageRuns>;
  /** Its own queue: a run goes on in chunks. */
  readonly STORAGE_VERIFIER_QUEUE: Queue<VerifyStorage>;
  /** How many blocks the rolling verification takes each day. */
  readonly VERIFY_BLOCKS_A_DAY: string;
  /** `true`: the rolling verification restores what is missing; otherwise it only reports. */
  readonly AUTO_REHYDRATE: string;
  /** A run that has not moved for so long is told again. */
  readonly STALL_AFTER_SECONDS: string;
}

/** Who begins the rolling verification. */
export const SCHEDULE = "schedule";

const BLOCKS_A_DAY_OTHERWISE = 1_000;

/** A setting that is no number must not end the verification. */
export function blocksADay({ VERIFY_BLOCKS_A_DAY: setting }: Env, log: Log): number {
  if (/^[1-9]\d{0,6}$/.test(setting ?? "")) return Number(setting);
  log.error("setting.ignored", {
    setting: "VERIFY_BLOCKS_A_DAY",
    detail: `must be a number of blocks; ${BLOCKS_A_DAY_OTHERWISE} counts`,
  });
  return BLOCKS_A_DAY_OTHERWISE;
}

export function storageRuns(env: Pick<Env, "STORAGE_RUNS" | "CHAIN_ID">): DurableObjectStub<StorageRuns> {
  return env.STORAGE_RUNS.getByName(env.CHAIN_ID);
}

export function logOf(requestId: string): Log {
  return logger("storage-verifier", { requestId });
}
