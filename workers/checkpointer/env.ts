import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { LogHeadEnv } from "../../shared/objects/log-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";
import type { MineRequest } from "../../shared/queue/messages.ts";
import { isOrigin } from "../../shared/tlog/checkpoint.ts";
import { TRANSACTIONS_SUFFIX } from "../../shared/tlog/endorsement.ts";
import { loadLogKeyring, type LogKeyring, type LogSigner } from "../../shared/tlog/log-keyring.ts";

export interface Env extends StageEnv, ChainHeadEnv, LogHeadEnv {
  readonly R2: R2Bucket;
  /** The miner holds the block key, which endorses the log's keys. */
  readonly MINER_QUEUE: Queue<MineRequest>;
  readonly LOG_ORIGIN: string;
  /** C2SP tlog-policy with the witnesses to ask; empty: none. */
  readonly WITNESS_POLICY: string;
  readonly WITNESS_EVERY_SECONDS: string;
  /** Addresses of RFC 3161 authorities, with commas between; empty: none. */
  readonly TSA_URLS: string;
  /** Their pinned certificates, as PEM. */
  readonly TSA_ISSUERS: string;
  readonly TIMESTAMP_EVERY_SECONDS: string;
  /** JSON that `npm run vdc -- keys generate` printed. */
  readonly LOG_KEYRING?: string;
}

/** The signers of the two logs. */
export interface LogSigners {
  readonly blocks: LogSigner;
  readonly transactions: LogSigner;
}

/** @throws Error that says what to do: a checkpoint would fix a wrong origin for ever */
export function logOrigin({ LOG_ORIGIN: origin }: Env): string {
  if (!isOrigin(`${origin}${TRANSACTIONS_SUFFIX}`) || origin.includes("://"))
    throw new Error(
      "LOG_ORIGIN must name the log, without a scheme, a space or a plus: vdc.example.com/vdc-main, say",
    );
  return origin;
}

/** @throws Error that names the bad setting */
export function secondsOf(env: Env, name: "WITNESS_EVERY_SECONDS" | "TIMESTAMP_EVERY_SECONDS"): number {
  const text = env[name];
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Error(`${name} must be a number of seconds above 0, not ${text}`);
  return Number(text);
}

// Imported keys, kept for the life of the isolate. The finished keyring is kept, not its promise: a promise must not cross
// requests.
let imported: { json: string; keyring: LogKeyring } | undefined;

/** @throws KeyringError that says what to do: a checkpointer with doubtful keys must not sign */
export async function signersOf(env: Env): Promise<LogSigners> {
  const json = env.LOG_KEYRING ?? "";
  if (imported?.json !== json) imported = { json, keyring: await loadLogKeyring(json) };
  const { keyring } = imported;
  const origin = logOrigin(env);
  return {
    blocks: keyring.signer(origin),
    transactions: keyring.signer(`${origin}${TRANSACTIONS_SUFFIX}`),
  };
}
