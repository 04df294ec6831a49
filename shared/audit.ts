import type { AuditedOperator, AuditResult } from "./audit-chain.ts";
import { withDeadline } from "./deadline.ts";
import { Problem } from "./http/problems.ts";
import { errorText, type Log } from "./log.ts";
import type { AuditLog } from "../workers/audit-log/index.ts";

export interface AuditEnv {
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLog>;
  readonly CHAIN_ID: string;
}

/** What somebody is about to do. */
export interface Deed {
  readonly operator: AuditedOperator;
  /** What, in general: a method and a route's pattern, or the name of the scheduled work. */
  readonly action: string;
  /** To what: the path and the query, or what the work is about. */
  readonly target: string;
  readonly reason: string | null;
  readonly requestId: string;
}

/** What came of it. */
export interface Outcome {
  /** Of the HTTP answer, where there is one. */
  readonly status: number | null;
  /** `null`: it was done. */
  readonly problem: string | null;
  readonly result: AuditResult | null;
}

/** A new stub each time: one that saw the object fail answers every later call with the same failure. */
export function audit(env: AuditEnv): DurableObjectStub<AuditLog> {
  return env.AUDIT_LOG.getByName(env.CHAIN_ID);
}

/** Milliseconds for one entry. A log that hangs must not keep operators waiting without an answer. */
const ENTRY_DEADLINE = 10_000;

/**
 * Does the work between two entries of the audit log. Nothing is done that the log has not taken before; what was done
 * stands, also when the log does not take its outcome: then the log's `asked` stays open, which shows that it is so.
 * @throws Problem "audit-unavailable" when nothing was done; else whatever the work throws
 */
export async function recorded<T>(
  { env, log }: { readonly env: AuditEnv; readonly log: Log },
  deed: Deed,
  work: () => Promise<T>,
  outcomeOf: (settled: PromiseSettledResult<T>) => Promise<Outcome>,
): Promise<T> {
  const { sequence } = await withDeadline(ENTRY_DEADLINE, "the audit log", () =>
    audit(env).asked(deed),
  ).catch((error: unknown) => {
    log.error("audit.unavailable", { action: deed.action, error: errorText(error) });
    throw new Problem(
      "audit-unavailable",
      "The audit log could not take what you are about to do, so nothing was done. Try again.",
    );
  });
  const [settled] = await Promise.allSettled([work()]);
  try {
    const outcome = await outcomeOf(settled);
    await withDeadline(ENTRY_DEADLINE, "the audit log", () => audit(env).answered(sequence, outcome));
  } catch (error) {
    log.error("audit.answer_lost", { sequence, action: deed.action, error: errorText(error) });
  }
  if (settled.status === "rejected") throw settled.reason;
  return settled.value;
}

/** What the clock starts on its own authority, recorded like an operator's action. `work` answers what came of it. */
export async function onSchedule<Result extends AuditResult>(
  part: { readonly env: AuditEnv; readonly log: Log },
  deed: Pick<Deed, "action" | "target" | "requestId">,
  work: () => Promise<Result>,
): Promise<Result> {
  const operator = { name: "schedule", by: "schedule" } as const;
  return recorded(part, { ...deed, operator, reason: null }, work, async (settled) =>
    settled.status === "fulfilled"
      ? { status: null, problem: null, result: settled.value }
      : {
          status: null,
          problem: settled.reason instanceof Problem ? settled.reason.slug : "internal-error",
          result: null,
        },
  );
}
