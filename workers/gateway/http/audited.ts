import { recorded, type ActionOutcome, type AuditedAction } from "../../../shared/objects/audit-log.ts";
import type { AuditResult } from "../../../shared/chain/audit-chain.ts";
import { Problem, PROBLEMS } from "../../../shared/http/problems.ts";
import type { Arrival, Call, Operation } from "./operation.ts";
import { NAMELESS, type Operator } from "./operator.ts";

/**
 * Runs an operator's call, and records it unless it only reads. A malformed call is recorded too, because a holder of the secret
 * has tried it.
 */
export async function audited(
  { read, work }: Operation,
  arrival: Arrival,
  operator: Operator,
): Promise<Response> {
  if (["GET", "HEAD"].includes(arrival.request.method)) return work(await read(arrival, operator));
  const [reading] = await Promise.allSettled([read(arrival, operator)]);
  const call = reading.status === "fulfilled" ? reading.value : undefined;
  const by = named(operator, call?.body);
  const answer = recorded(
    arrival,
    actionOf(arrival, by, call),
    async () => {
      if (reading.status === "rejected") throw reading.reason;
      return work({ ...reading.value, operator: by });
    },
    actionOutcome,
  );
  arrival.context.waitUntil(Promise.allSettled([answer])); // the outcome is recorded even if the caller hangs up
  return answer;
}

/**
 * Describes the action for the audit log. A call that could not be read is described by its path alone, because its other parts
 * may hold anything.
 */
function actionOf(
  { request, action, requestId }: Arrival,
  operator: Operator,
  call: Call | undefined,
): AuditedAction {
  const { pathname, search } = new URL(request.url);
  return {
    operator,
    action,
    target: call === undefined ? pathname : `${pathname}${search}`,
    reason: textIn(call?.body, "reason"),
    requestId,
  };
}

/**
 * Returns the operator under the name that the log must hold. With the shared secret a name is only claimed: in the header, or
 * else in a body that asks for it.
 */
function named(operator: Operator, body: unknown): Operator {
  const claimedName = operator.by === "secret" && operator.name === NAMELESS ? textIn(body, "by") : null;
  return claimedName === null || claimedName === "" ? operator : { ...operator, name: claimedName };
}

function textIn(body: unknown, member: string): string | null {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, member) : undefined;
  return typeof value === "string" ? value : null;
}

async function actionOutcome(settled: PromiseSettledResult<Response>): Promise<ActionOutcome> {
  if (settled.status === "fulfilled")
    return { status: settled.value.status, problem: null, result: await resultOf(settled.value) };
  const problem = settled.reason instanceof Problem ? settled.reason.slug : "internal-error";
  return { status: PROBLEMS[problem].status, problem, result: null };
}

/** Members of answers that tell the outcome in a single value. */
const OUTCOME_MEMBERS = [
  "id",
  "blockNumber",
  "mined",
  "reason",
  "resumed",
  "erased",
  "source",
  "stored",
  "state",
  "status",
  "dryRun",
  "total",
  "dismissed",
  "tokenHash",
];

/** Reads the copy of the body to its end: a cloned body that is not read would hold up the caller's half. */
async function resultOf(response: Response): Promise<AuditResult | null> {
  if (response.headers.get("content-type") !== "application/json") return null;
  const body: unknown = await response.clone().json();
  if (typeof body !== "object" || body === null) return null;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => OUTCOME_MEMBERS.includes(name) && isSingle(value)),
  );
}

function isSingle(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "boolean" || isCount(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
