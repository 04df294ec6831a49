import type { IntakeEnv } from "../../shared/backlog.ts";
import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { DeadLettersEnv } from "../../shared/dead-letters.ts";
import type { Log } from "../../shared/log.ts";
import type { MonitorEnv } from "../../shared/monitor.ts";
import type StorageVerifier from "../storage-verifier/index.ts";

export interface Env extends ChainHeadEnv, MonitorEnv, DeadLettersEnv, IntakeEnv {
  readonly STORAGE_VERIFIER: Service<typeof StorageVerifier>;
  /** A secret, for such a URL mostly carries a token. Not set: nothing is posted. */
  readonly ALERT_WEBHOOK_URL?: string;
  readonly PENDING_ALERT_SECONDS: string;
  readonly STALLED_ALERT_SECONDS: string;
  readonly ALERT_REPEAT_SECONDS: string;
}

export interface Limits {
  readonly pendingSeconds: number;
  readonly stalledSeconds: number;
  readonly repeatSeconds: number;
}

export function limitsOf(env: Env, log: Log): Limits {
  return {
    pendingSeconds: seconds("PENDING_ALERT_SECONDS", env.PENDING_ALERT_SECONDS, 900, log),
    stalledSeconds: seconds("STALLED_ALERT_SECONDS", env.STALLED_ALERT_SECONDS, 900, log),
    repeatSeconds: seconds("ALERT_REPEAT_SECONDS", env.ALERT_REPEAT_SECONDS, 86_400, log),
  };
}

/** A setting that is no number must not keep an alert from the operator. */
function seconds(name: string, setting: string | undefined, otherwise: number, log: Log): number {
  const value = Number(setting);
  if (setting !== undefined && /^\d+$/.test(setting) && value > 0) return value;
  log.error("setting.ignored", { setting: name, detail: `must be a number of seconds; ${otherwise} counts` });
  return otherwise;
}

/** Where alerts go, `undefined` when nowhere. What is wrong with it is said without showing it. */
export function webhookOf(env: Env, log: Log): URL | undefined {
  const { ALERT_WEBHOOK_URL: text = "" } = env;
  if (text === "") return undefined;
  const url = URL.parse(text);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  log.error("setting.ignored", {
    setting: "ALERT_WEBHOOK_URL",
    detail: "is not an http(s) URL: no alert is posted",
  });
  return undefined;
}
