/** A part of an OpenAPI 3.1 document: what `docs/http-api.md` reads of it. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
  readonly description?: string;
}

interface Content {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

interface DocumentedCall {
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content & { readonly description?: string; readonly "x-max-bytes"?: number };
  readonly responses: Readonly<Record<string, Content>>;
}

export interface OpenApiDocument {
  readonly info: { readonly version: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedCall>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Content>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly securitySchemes: Readonly<
      Record<string, { readonly name: string; readonly description: string }>
    >;
  };
}

const INTRODUCTION = `# HTTP interface

Every call of the gateway. This page is made from [openapi.json](../workers/gateway/openapi.json) by \`npm run openapi\`; a running
deployment serves the same at \`GET /openapi.json\`.

- Bodies and answers are JSON in UTF-8, unless a call says otherwise.
- A refused call changes nothing and answers \`application/problem+json\` (RFC 9457). [problems.md](problems.md) says for each problem what
  happened and what to do. Every call may also answer \`internal-error\` (500).
- Every answer has the header \`x-request-id\`, which the log lines of the call carry too.
- Public calls allow CORS from every origin, on errors too.
`;

const CALLERS: Readonly<Record<string, string>> = {
  "": "Anyone may call it.",
  "adminSecret cloudflareAccess":
    "An operator may call it. The audit log keeps each call that changes something.",
  stripeSignature: "Stripe calls it, and signs what it sends.",
};

/**
 * docs/http-api.md for the interface that the document describes: first every call under its tag, then every schema.
 * @throws Error when a call names a kind of caller that this page has no words for
 */
export function httpApiPage(document: OpenApiDocument): string {
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ title: `${method.toUpperCase()} ${path}`, call })),
  );
  const sections = document.tags.map(({ name, description }) => {
    const own = calls.filter(({ call }) => call.tags[0] === name);
    return [`## ${name}`, description, ...own.map(({ title, call }) => callSection(title, call, document))];
  });
  const schemas = Object.entries(document.components.schemas)
    .filter(([name]) => !name.endsWith("Problem"))
    .map(([name, schema]) => `### ${name}\n\n${schemaSection(schema)}`);
  return `${[INTRODUCTION.trimEnd(), signIn(document), ...sections.flat(), "## Schemas", ...schemas].join("\n\n")}\n`;
}

function signIn({ components: { securitySchemes } }: OpenApiDocument): string {
  const lines = Object.values(securitySchemes).map(
    ({ name, description }) => `- \`${name}\`: ${description}`,
  );
  return `## How a caller shows who it is\n\n${lines.join("\n")}`;
}

function callSection(title: string, call: DocumentedCall, document: OpenApiDocument): string {
  const callers =
    CALLERS[
      call.security
        .flatMap((scheme) => Object.keys(scheme))
        .toSorted()
        .join(" ")
    ];
  if (callers === undefined) throw new Error(`${title}: no words for its security`);
  const parameters = (call.parameters ?? [])
    .map((parameter) => resolved(parameter, document.components.parameters))
    .filter(({ in: place }) => place !== "header")
    .map(({ name, in: place, schema, description = "" }) =>
      item(`\`${name}\` (${place}, ${typeText(schema)})`, description),
    );
  return [
    `### ${title}`,
    `${call.summary}.\n${callers}`,
    [...parameters, ...bodyItem(call), ...answerItems(call, document)].join("\n"),
  ].join("\n\n");
}

function bodyItem({ requestBody }: DocumentedCall): string[] {
  if (requestBody === undefined) return [];
  const [[contentType, { schema }] = ["", { schema: undefined }]] = Object.entries(requestBody.content ?? {});
  const most = requestBody["x-max-bytes"];
  const type = schema === undefined ? `\`${contentType}\`` : typeText(schema);
  const limit = most === undefined ? "" : `, at most ${most.toLocaleString("en")} bytes`;
  return [item(`Body: ${type}${limit}`, requestBody.description ?? "")];
}

function answerItems({ responses }: DocumentedCall, { components }: OpenApiDocument): string[] {
  const answers: string[] = [];
  const problems: string[] = [];
  for (const [status, response] of Object.entries(responses)) {
    const { content = {} } = resolved(response, components.responses);
    for (const [contentType, { schema }] of Object.entries(content))
      if (contentType === "application/problem+json") problems.push(...problemsOf(schema, status));
      else
        answers.push(
          `- ${status}: ${schema?.$ref || schema?.anyOf ? typeText(schema) : `\`${contentType}\``}`,
        );
    if (Object.keys(content).length === 0) answers.push(`- ${status}, without a body`);
  }
  return problems.length === 0 ? answers : [...answers, `- Refusals: ${problems.join(", ")}`];
}

function problemsOf(schema: Schema = {}, status: string): string[] {
  return (schema.oneOf ?? [schema])
    .map(({ $ref = "" }) => kebabCase(nameOf($ref).replace(/Problem$/, "")))
    .filter((slug) => slug !== "internal-error")
    .map((slug) => `[${slug}](problems.md#${slug}) (${status})`);
}

function schemaSection(schema: Schema): string {
  const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const optional = schema.required?.includes(name) ? "" : ", optional";
    return item(`\`${name}\` (${typeText(member)}${optional})`, member.description ?? "");
  });
  const own = schema.properties === undefined ? [`${typeText(schema)}.`] : [];
  return [schema.description && `${schema.description}.`, ...own, members.join("\n")]
    .filter(Boolean)
    .join("\n\n");
}

/** In words, with a link to the section of each named schema. */
function typeText(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, items, properties, additionalProperties } = schema;
  if ($ref !== undefined) return `[${nameOf($ref)}](#${nameOf($ref).toLowerCase()})`;
  const several = anyOf ?? oneOf;
  if (several !== undefined) return several.map(typeText).join(" or ");
  if (allOf !== undefined) return allOf.map(typeText).join(" and ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (items !== undefined) return `array of ${typeText(items)}${limits(schema)}`;
  if (properties !== undefined)
    return `object of ${Object.entries(properties)
      .map(([name, member]) => `\`${name}\`: ${typeText(member)}`)
      .join(", ")}`;
  if (typeof additionalProperties === "object")
    return `object whose values are each ${typeText(additionalProperties)}`;
  return `${schema.type ?? "any value"}${limits(schema)}`;
}

function limits({
  minimum,
  maximum,
  minLength,
  maxLength,
  maxItems,
  pattern,
  default: otherwise,
}: Schema): string {
  const texts = [
    minimum !== undefined && `from ${minimum}`,
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && `to ${maximum}`,
    minLength !== undefined && minLength === maxLength
      ? `of ${minLength} characters`
      : maxLength !== undefined && `of at most ${maxLength} characters`,
    maxItems !== undefined && `at most ${maxItems}`,
    pattern !== undefined && `like \`${pattern.replaceAll("|", "\\|")}\``,
    otherwise !== undefined &&
      otherwise !== Number.MAX_SAFE_INTEGER &&
      `default ${JSON.stringify(otherwise)}`,
  ].filter(Boolean);
  return texts.length === 0 ? "" : ` ${texts.join(" ")}`;
}

function item(what: string, description: string): string {
  return description === "" ? `- ${what}` : `- ${what}: ${description}`;
}

function resolved<Part extends { readonly $ref?: string }>(
  part: Part,
  known: Readonly<Record<string, Part>>,
): Part {
  return part.$ref === undefined ? part : (known[nameOf(part.$ref)] ?? part);
}

function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

function kebabCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();
}
