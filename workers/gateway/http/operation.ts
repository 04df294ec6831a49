import * as v from "valibot";
import { maxBodyBytes, type Plan, type TextsSchema } from "../../../shared/api/plan.ts";
import { readText } from "../../../shared/http/body.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { isObject, isReadWhole } from "../../../shared/schema/lossless.ts";
import type { Env } from "../env.ts";
import type { Operator } from "./operator.ts";
import { faultText } from "../../../shared/schema/issue-text.ts";

/** A request for which the router has found a route. */
export interface Arrival {
  readonly request: Request;
  /** Method and pattern of the route, as `GET /` lists it. */
  readonly action: string;
  /** Path parameters as they stand in the URL. */
  readonly params: Readonly<Record<string, string>>;
  readonly env: Env;
  readonly context: ExecutionContext;
  readonly requestId: string;
  readonly log: Log;
}

/** Everything that a handler gets. The schemas of its plan have read `params`, `query` and `body`. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly request: Request;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The operator, for an operator's call. */
  readonly operator: Operator | undefined;
  readonly env: Env;
  readonly context: ExecutionContext;
  readonly requestId: string;
  readonly log: Log;
}

export interface Operation<P extends Plan = Plan> {
  readonly plan: P;
  /** Reads the request by the plan's schemas. It has no effects. */
  readonly read: (arrival: Arrival, operator: Operator | undefined) => Promise<Call>;
  readonly work: (call: Call) => Promise<Response>;
}

type Output<Schema, Otherwise> = Schema extends v.GenericSchema ? v.InferOutput<Schema> : Otherwise;
type CallOfPlan<P extends Plan> = Call<
  Output<P["params"], Record<string, never>>,
  Output<P["query"], Record<string, never>>,
  Output<P["body"], undefined>
>;

/** Binds a handler to the plan of its call. The handler gets the request as the plan's schemas have read it. */
export function operation<const P extends Plan>(
  plan: P,
  work: (call: CallOfPlan<P>) => Promise<Response>,
): Operation<P> {
  return {
    plan,
    async read({ request, params, ...rest }, operator) {
      return {
        ...rest,
        request,
        operator,
        params: readTexts(plan.params ?? NOTHING, decoded(params)),
        query: readTexts(plan.query ?? NOTHING, queryOf(request, plan)),
        body: await readBody(plan, request),
      };
    },
    work: (call) => work(call as CallOfPlan<P>),
  };
}

const NOTHING = v.strictObject({});

/**
 * Returns the query's parameters. An operator's call refuses an unknown parameter, because with a misspelt one it would do
 * something else than meant. A public call ignores it, because other sites add parameters to links.
 */
function queryOf(request: Request, { who, query = NOTHING }: Plan): Record<string, string> {
  const given = [...new URL(request.url).searchParams];
  return textsOf(who === "operator" ? given : given.filter(([name]) => Object.hasOwn(query.entries, name)));
}

/** @throws Problem "invalid-parameter" for a path that is not percent-encoded UTF-8 */
function decoded(params: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        throw invalidParameter(name, "it is not percent-encoded UTF-8");
      }
    }),
  );
}

/** @throws Problem "invalid-parameter" for a name that occurs twice */
function textsOf(query: readonly (readonly [string, string])[]): Record<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of query) {
    if (texts.has(name)) throw invalidParameter(name, "it stands more than once");
    texts.set(name, value);
  }
  return Object.fromEntries(texts);
}

/** @throws Problem "invalid-parameter" that names the parameter and says what was expected */
function readTexts(schema: TextsSchema, texts: Readonly<Record<string, string>>): unknown {
  const parsed = v.safeParse(schema, texts);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const name = v.getDotPath(issue) ?? "";
  if (!Object.hasOwn(schema.entries, name)) {
    const known = Object.keys(schema.entries).join(", ") || "none";
    throw invalidParameter(name, `this call does not know it (it knows: ${known})`);
  }
  throw invalidParameter(name, faultText(issue));
}

function invalidParameter(name: string, expected: string): Problem {
  const shown = name.length > 50 ? `${name.slice(0, 50)}…` : name;
  return new Problem("invalid-parameter", `${shown}: ${expected}.`, { members: { parameter: shown } });
}

/** @throws Problem "invalid-body" that names the member, or "body-too-large" */
async function readBody(plan: Plan, request: Request): Promise<unknown> {
  const { body: schema, signed } = plan;
  if (schema === undefined || !("kind" in schema)) return undefined;
  const sent = parseJson(await readText(request, maxBodyBytes(plan)));
  refuseUnsound(sent, signed === true);
  const parsed = v.safeParse(schema, sent);
  if (parsed.success && isReadWhole(sent, parsed.output)) return parsed.output;
  if (parsed.success)
    throw new Problem("invalid-body", "The body: it has an array or a name where none belongs.", {
      members: { member: null },
    });
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue);
  throw new Problem(
    "invalid-body",
    `${place === null ? "The body" : `Member ${place.slice(0, 100)}`}: ${faultText(issue)}.`,
    { members: { member: place?.slice(0, 100) ?? null } },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("invalid-body", "The body is not JSON.", { members: { member: null } });
  }
}

/** Deeper than any real request; code that recurses through a body must not run out of stack. */
const MAX_DEPTH = 32;

/**
 * Refuses values that have no canonical form, because a signed body is made canonical: a text with a lone surrogate (RFC 8785
 * §3.2.2.2), and a number beyond the range (1e400 is JSON and is read as infinity). Refuses any body that is nested too deeply.
 * @throws Problem "invalid-body"
 */
function refuseUnsound(value: unknown, signed: boolean): void {
  const isSound = (part: unknown, depth: number): boolean => {
    if (typeof part === "string") return !signed || part.isWellFormed();
    if (typeof part === "number") return !signed || Number.isFinite(part);
    if (!isObject(part)) return true;
    const members = Object.entries(part);
    return depth > 0 && members.every(([name, member]) => isSound(name, depth) && isSound(member, depth - 1));
  };
  if (isSound(value, MAX_DEPTH)) return;
  throw new Problem(
    "invalid-body",
    `The body is nested deeper than ${MAX_DEPTH}, or a text in it is no Unicode (a lone surrogate), or a number too large.`,
    { members: { member: null } },
  );
}
