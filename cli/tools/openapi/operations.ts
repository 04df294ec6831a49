import { PROBLEMS, type ProblemSlug } from "../../../shared/http/problems.ts";
import { isPublicWrite, maxBodyBytes, type PlannedAnswer, type Plan } from "../../../shared/api/plan.ts";
import { OPERATOR_NAME_HEADER } from "../../../shared/http/operator-name.ts";
import { parametersOf } from "./parameters.ts";
import { problemAnswer, REQUEST_ID } from "./problems.ts";
import type { SchemaNode, Schemas } from "./schemas.ts";
import { tagOf } from "./tags.ts";

/** Security schemes for each kind of caller; any one of them is enough. */
const SECURITY: Record<Plan["who"], SchemaNode[]> = {
  anyone: [],
  operator: [{ adminSecret: [] }, { cloudflareAccess: [] }],
  stripe: [{ stripeSignature: [] }],
};
const SECURITY_HEADERS = ["stripe-signature"];

/**
 * `/api/vdc/blocks/:blockNumber` → `/api/vdc/blocks/{blockNumber}`. OpenAPI has no word for a parameter with slashes, so
 * `/log/tile/:level/:index+` → `/log/tile/{level}/{index}`.
 */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)\+?/g, "{$1}");
}

/**
 * Makes the operation's id: `GET /api/vdc/blocks/:blockNumber` → `getBlock`. The words are the method and the path; a noun with
 * an id behind it, or with a `by-…` and an id, is in the singular. `AtSize` tells a checkpoint of the history from the newest.
 */
export function operationId(method: string, path: string): string {
  const parts = path.split("/").filter((part) => !["", "api", "vdc"].includes(part));
  const words = parts.flatMap((part, i) => {
    if (part.startsWith(":")) return part === ":size" && parts[i - 1] === "checkpoints" ? ["at", "size"] : [];
    const next = parts[i + 1]?.startsWith("by-") ? parts[i + 2] : parts[i + 1];
    const noun = next?.startsWith(":") ? part.replace(/ies$/, "y").replace(/s$/, "") : part;
    return noun.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  });
  const named = words.length === 0 ? ["contents"] : words;
  return [method.toLowerCase(), ...named.map((word) => word[0]?.toUpperCase() + word.slice(1))].join("");
}

export function operationOf(method: string, path: string, plan: Plan, schemas: Schemas): SchemaNode {
  const parameters = [
    ...parametersOf("path", plan.params, schemas),
    ...parametersOf("query", plan.query, schemas),
    ...headerParameters(plan),
  ];
  return {
    operationId: operationId(method, path),
    tags: [tagOf(path)],
    summary: plan.does,
    security: SECURITY[plan.who],
    ...(parameters.length > 0 && { parameters }),
    ...(plan.body !== undefined && { requestBody: bodyOf(plan, schemas) }),
    responses: responsesOf(method, plan, schemas),
  };
}

function headerParameters({ who, headers = {} }: Plan): SchemaNode[] {
  const named = Object.entries(headers)
    .filter(([name]) => !SECURITY_HEADERS.includes(name))
    .map(([name, description]) => ({ name, in: "header", description, schema: { type: "string" } }));
  const operator = { $ref: "#/components/parameters/Operator" };
  return who === "operator" ? [...named, operator] : named;
}

export const OPERATOR_PARAMETER = {
  name: OPERATOR_NAME_HEADER,
  in: "header",
  description: "Beside the secret, which operators share: the name that the audit log is to hold",
  schema: { type: "string" },
};

function bodyOf(plan: Plan, schemas: Schemas): SchemaNode {
  const { body, signed } = plan;
  if (body === undefined) return {};
  const common = { required: true, "x-max-bytes": maxBodyBytes(plan) };
  if (!("kind" in body)) return { ...common, description: body.does, content: { [body.contentType]: {} } };
  const content = { "application/json": { schema: schemas.input(body, signed === true) } };
  if (signed === undefined) return { ...common, content };
  return { ...common, description: SIGNED, "x-signed": true, content };
}

const SIGNED = "Signed by a user: docs/format.md says over which bytes; `shared/client` makes it.";

function responsesOf(method: string, plan: Plan, schemas: Schemas): SchemaNode {
  const responses: Record<string, SchemaNode> = {};
  for (const [status, answer] of Object.entries(plan.answers))
    responses[status] = successOf(status, answer, schemas);
  const problems = problemsOf(method, plan);
  for (const status of new Set(problems.map((slug) => PROBLEMS[slug].status))) {
    const ofStatus = problems.filter((slug) => PROBLEMS[slug].status === status);
    if (status in plan.answers)
      throw new Error(`${plan.does}: ${status} is an answer and a problem; let it be one of them`);
    responses[status] = problemAnswer(ofStatus);
  }
  return responses;
}

/** Returns the problems that every call of its kind may answer, and the call's own. */
function problemsOf(method: string, plan: Plan): ProblemSlug[] {
  const { who, params, query, body, problems = [] } = plan;
  const all = new Set<ProblemSlug>(problems);
  // An operator's call refuses unknown parameters, so it can answer this problem without having any.
  if (params !== undefined || query !== undefined || who === "operator") all.add("invalid-parameter");
  if (body !== undefined && "kind" in body) all.add("invalid-body").add("body-too-large");
  if (who === "operator") all.add("unauthorized").add("operators-not-configured");
  if (who === "operator" && method !== "GET") all.add("audit-unavailable");
  if (isPublicWrite(method, plan) || plan.beyondKv) all.add("rate-limited");
  all.add("internal-error");
  return (Object.keys(PROBLEMS) as ProblemSlug[]).filter((slug) => all.has(slug));
}

const MEANING: Readonly<Record<string, string>> = {
  200: "Done",
  202: "Taken: it goes on, and `location` says where to look",
  304: "Unchanged",
  503: "Not in order",
};
const LOCATION = { location: { schema: { type: "string" }, description: "Where to look" } };

function successOf(status: string, answer: PlannedAnswer, schemas: Schemas): SchemaNode {
  const description = MEANING[status];
  if (description === undefined)
    throw new Error(`say what ${status} means in cli/tools/openapi/operations.ts`);
  const headers = { ...REQUEST_ID, ...(status === "202" && LOCATION) };
  if ("kind" in answer)
    return { description, headers, content: { "application/json": { schema: schemas.output(answer) } } };
  if ("byAccept" in answer)
    return {
      description,
      headers,
      content: Object.fromEntries(
        Object.entries(answer.byAccept).map(([type, schema]) => [
          type,
          { schema: schema === null ? { type: "string" } : schemas.output(schema) },
        ]),
      ),
    };
  if (answer.contentType === null) return { description, headers };
  return { description, headers, content: { [answer.contentType]: { schema: { type: "string" } } } };
}
