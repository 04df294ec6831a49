import type { AuditedOperator, AuditResult } from "../chain/audit-chain.ts";
import { withDeadline } from "../runtime/deadline.ts";
import { Problem } from "../http/problems.ts";
import { errorText, type Log } from "../runtime/log.ts";
import type { AuditLog } from "../../workers/audit-log/index.ts";

export interface AuditEnv {
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLog>;
  readonly CHAIN_ID: string;
}

/** An action that is about to run. */
export interface AuditedAction {
  readonly operator: AuditedOperator;
  /** The kind of action: a method and a route's pattern, or the name of the scheduled work. */
  readonly action: string;
  /** The object of the action: the path and the query, or the subject of the scheduled work. */
  readonly target: string;
  readonly reason: string | null;
  readonly requestId: string;
}

/** The result of an action. */
export interface ActionOutcome {
  /** Status of the HTTP answer, if there is one. */
  readonly status: number | null;
  /** `null` after success. */
  readonly problem: string | null;
  readonly result: AuditResult | null;
}

/** Gets a new stub for each call: a stub that saw the object fail answers every later call with the same failure. */
export function audit(env: AuditEnv): DurableObjectStub<AuditLog> {
  return env.AUDIT_LOG.getByName(env.CHAIN_ID);
}

/** Limit for one entry. A log that hangs must not keep operators waiting without an answer. */
const ENTRY_DEADLINE_MS = 10_000;

/**
 * Runs the work between two entries of the audit log. The work does not start before the log has the first entry. If the
 * log does not take the second one, the work still stands, and the entry of its start, which stays open, shows this.
 * @throws Problem "audit-unavailable" when the work did not start; otherwise the error that the work throws
 */
export async function recorded<T>(
  { env, log }: { readonly env: AuditEnv; readonly log: Log },
  action: AuditedAction,
  work: () => Promise<T>,
  actionOutcome: (settled: PromiseSettledResult<T>) => Promise<ActionOutcome>,
): Promise<T> {
  const { sequence } = await withDeadline(ENTRY_DEADLINE_MS, "the audit log", () =>
    audit(env).started(action),
  ).catch((error: unknown) => {
    log.error("audit.unavailable", { action: action.action, error: errorText(error) });
    throw new Problem(
      "audit-unavailable",
      "The audit log could not take what you are about to do, so nothing was done. Try again.",
    );
  });
  const [settled] = await Promise.allSettled([work()]);
  try {
    const outcome = await actionOutcome(settled);
    await withDeadline(ENTRY_DEADLINE_MS, "the audit log", () => audit(env).finished(sequence, outcome));
  } catch (error) {
    log.error("audit.answer_lost", { sequence, action: action.action, error: errorText(error) });
  }
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

/** Runs scheduled work, recorded like an operator's action. `work` returns its result for the log. */
export async function onSchedule<Result extends AuditResult>(
  part: { readonly env: AuditEnv; readonly log: Log },
  action: Pick<AuditedAction, "action" | "target" | "requestId">,
  work: () => Promise<Result>,
): Promise<Result> {
  const operator = { name: "schedule", by: "schedule" } as const;
  return recorded(part, { ...action, operator, reason: null }, work, async (settled) =>
    settled.status === "fulfilled"
      ? { status: null, problem: null, result: settled.value }
      : {
          status: null,
          problem: settled.reason instanceof Problem ? settled.reason.slug : "internal-error",
          result: null,
        },
  );
}
