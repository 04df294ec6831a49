import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { ROOT } from "../../../cli/local/stack/workers.ts";

export type Schema = { readonly [keyword: string]: unknown };

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

/** A call of `openapi.json`. Its references are resolved, apart from references inside schemas. */
export interface DocumentedCall {
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** The path, with `{name}` in place of a parameter. */
  readonly path: string;
  readonly operator: boolean;
  readonly parameters: readonly Parameter[];
  /** The schemas of the body, by content type. */
  readonly body?: Readonly<Record<string, { readonly schema?: Schema }>>;
  /** The limit of the body in bytes; undefined for a call without a body. */
  readonly maxBytes?: number;
  /** Parts of the body must fit together in ways that the document can't express, for example a signature. */
  readonly signed: boolean;
  readonly answers: Readonly<Record<string, Answer>>;
}

export interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly object[];
  readonly requestBody?: {
    readonly content: NonNullable<DocumentedCall["body"]>;
    readonly "x-signed"?: true;
    readonly "x-max-bytes": number;
  };
  readonly responses: Readonly<Record<string, object>>;
}

const OPENAPI_TEXT = readFileSync(join(ROOT, "workers/gateway/openapi.json"), "utf8");
export const DOCUMENT = JSON.parse(OPENAPI_TEXT) as Document;

export const CALLS: readonly DocumentedCall[] = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    id: operation.operationId,
    method: method.toUpperCase() as DocumentedCall["method"],
    path,
    operator: operation.security.some((scheme) => "adminSecret" in scheme),
    parameters: (operation.parameters ?? []).map((parameter) => followed<Parameter>(parameter)),
    ...(operation.requestBody && {
      body: operation.requestBody.content,
      maxBytes: operation.requestBody["x-max-bytes"],
    }),
    signed: operation.requestBody?.["x-signed"] === true,
    answers: Object.fromEntries(
      Object.entries(operation.responses).map(([status, answer]) => [status, followed<Answer>(answer)]),
    ),
  })),
);

export function callOf(id: string): DocumentedCall {
  const call = CALLS.find((call) => call.id === id);
  if (call === undefined) throw new Error(`openapi.json has no call ${id}`);
  return call;
}

/** Returns the target of a `$ref` of the document, or the value itself. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what stands there
export function followed<T>(value: object): T {
  if (!("$ref" in value)) return value as T;
  const steps = String(value.$ref).split("/").slice(1);
  const found = steps.reduce<unknown>(
    (place, step) => (place as Schema | undefined)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")],
    DOCUMENT,
  );
  if (found === undefined) throw new Error(`openapi.json has nothing at ${String(value.$ref)}`);
  return found as T;
}

// In strict mode an unknown keyword is an error. `default` and OpenAPI's own words are declared here.
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
addFormats.default(ajv);
// Adds the components once, so that a schema with many references to it is compiled once. References begin at the root.
const ROOT_ID = "urn:vdc:openapi";
ajv.addKeyword("components");
ajv.addSchema({ $id: ROOT_ID, components: DOCUMENT.components });
const compiled = new Map<string, ValidateFunction>(); // by text, because many places of the document hold the same schema

/** Checks values against a schema of the document. */
export function validatorOf(schema: Schema): ValidateFunction {
  const text = JSON.stringify(schema);
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const absolute = text.replaceAll('"$ref":"#/', `"$ref":"${ROOT_ID}#/`);
  const validate = ajv.compile(JSON.parse(absolute) as Schema);
  compiled.set(text, validate);
  return validate;
}

/** Lists the differences between an answer of this call and the document; empty if the answer is as documented. */
export async function faultsOf(call: DocumentedCall, response: Response, method: string = call.method) {
  const { status } = response;
  const text = await response.text();
  const shown = `${status} ${text.slice(0, 300)}`;
  const documented = call.answers[status];
  if (documented === undefined) return [`${status} is not documented: ${shown}`];
  const missing = Object.keys(documented.headers ?? {}).filter(
    (name) => !response.headers.has(name) && name !== "retry-after",
  );
  const faults = missing.map((name) => `the header ${name} is missing: ${shown}`);
  if (documented.content === undefined || method === "HEAD")
    return text === "" ? faults : [...faults, `it should have no body: ${shown}`];
  const contentType = response.headers.get("content-type") ?? "none";
  const { schema } = documented.content[contentType] ?? {};
  if (schema === undefined) return [...faults, `the content type ${contentType} is not documented: ${shown}`];
  if (!contentType.endsWith("json")) return faults;
  const validate = validatorOf(schema);
  const body = JSON.parse(text) as Schema;
  if (!validate(body)) return [...faults, `${ajv.errorsText(validate.errors)}: ${shown}`];
  return contentType === "application/problem+json" ? [...faults, ...strangeMembers(body)] : faults;
}

/**
 * Lists members of a problem that its schema does not name. Clients must accept such members, but we must not add them
 * unknowingly.
 */
function strangeMembers(problem: Schema): string[] {
  const { Problem = {}, ...others } = DOCUMENT.components.schemas ?? {};
  const own = Object.values(others).find(({ properties }) => {
    const { type } = (properties ?? {}) as { type?: { const?: unknown } };
    return type?.const !== undefined && type.const === problem.type;
  });
  const named = { ...(Problem.properties as Schema), ...(own?.properties as Schema | undefined) };
  return Object.keys(problem)
    .filter((member) => !Object.hasOwn(named, member))
    .map(
      (member) => `${String(problem.type)} has a member ${member}: name it in cli/tools/openapi/problems.ts`,
    );
}
