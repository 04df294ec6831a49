import type { IntakeEnv } from "../../shared/queue/backlog.ts";
import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { DeadLettersEnv } from "../../shared/objects/dead-letters.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { MonitorEnv } from "../../shared/objects/monitor.ts";
import type StorageVerifier from "../storage-verifier/index.ts";

export interface Env extends ChainHeadEnv, MonitorEnv, DeadLettersEnv, IntakeEnv {
  readonly STORAGE_VERIFIER: Service<typeof StorageVerifier>;
  /** URL to which alerts are posted. It is a secret, because it usually carries a token. Not set: nothing is posted. */
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

/**
 * Reads a setting in seconds. An invalid setting is logged and replaced by the default, because it must not keep an alert from
 * the operator.
 */
function seconds(name: string, setting: string | undefined, otherwise: number, log: Log): number {
  const value = Number(setting);
  if (setting !== undefined && /^\d+$/.test(setting) && value > 0) return value;
  log.error("setting.ignored", { setting: name, detail: `must be a number of seconds; ${otherwise} counts` });
  return otherwise;
}

/** Returns the URL to which alerts are posted; `undefined` when there is none. Logs a fault in the setting without quoting it. */
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
