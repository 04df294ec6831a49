import { withDeadline } from "../runtime/deadline.ts";
import { errorText, type Log } from "../runtime/log.ts";
import type { StageName } from "../pipeline.ts";
import type { TierName } from "../storage/tier.ts";
import type { Monitor } from "../../workers/monitor/index.ts";

export interface MonitorEnv {
  readonly MONITOR: DurableObjectNamespace<Monitor>;
  readonly CHAIN_ID: string;
}

/** How a message was settled. `parked`: the dead-letter store has it. */
export type MessageOutcome = "processed" | "retried" | "dead_lettered" | "parked";

/**
 * The latest failure of a message of a stage. `nextRetryAt`: milliseconds since the epoch; null when the message was
 * given up. `error` is in words for people.
 */
export interface StageFailure {
  readonly error: string;
  readonly attempts: number;
  readonly at: number;
  readonly nextRetryAt: number | null;
}

/** An event that is counted. Never contents: names, numbers, and the reason of a failure. */
export type Observation =
  | ({ readonly kind: "failure"; readonly stage: StageName } & StageFailure)
  | {
      readonly kind: "messages";
      readonly stage: StageName;
      readonly outcome: MessageOutcome;
      readonly count: number;
    }
  | {
      readonly kind: "tier";
      readonly tier: TierName;
      readonly operation: "store" | "read" | "repair";
      readonly ok: boolean;
      readonly milliseconds: number;
    };

export type Observe = (observation: Observation) => void;

export function monitor(env: MonitorEnv): DurableObjectStub<Monitor> {
  return env.MONITOR.getByName(env.CHAIN_ID);
}

const REPORT_DEADLINE = 2_000; // milliseconds

/** Never throws and never takes long: a report that cannot be delivered is logged and lost. */
export async function report(env: MonitorEnv, observations: readonly Observation[], log: Log): Promise<void> {
  if (observations.length === 0) return;
  try {
    await withDeadline(REPORT_DEADLINE, "the monitor", () => monitor(env).report(observations));
  } catch (error) {
    log.warn("report.lost", { observations: observations.length, error: errorText(error) });
  }
}

/** Makes one observation for each outcome that occurs. */
export function messagesCounted(stage: StageName, outcomes: readonly MessageOutcome[]): Observation[] {
  return [...new Set(outcomes)].map((outcome) => ({
    kind: "messages",
    stage,
    outcome,
    count: outcomes.filter((other) => other === outcome).length,
  }));
}
