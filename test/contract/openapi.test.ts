import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { GENERATED } from "../../cli/tools/openapi.ts";
import { ROUTES } from "../../shared/api/routes.ts";
import { PROBLEMS } from "../../shared/http/problems.ts";
import { operationId } from "../../cli/tools/openapi/operations.ts";
import { CALLS, DOCUMENT, followed, validatorOf, type Schema } from "../support/assertions/openapi.ts";
import { OPENAPI_3_1 } from "./openapi-3.1.ts";
import { Ajv2020 } from "ajv/dist/2020.js";

/** Yields the value and every object or array below it, each with its path. */
function* places(value: unknown, place = "#"): Generator<[place: string, value: object]> {
  if (value === null || typeof value !== "object") return;
  yield [place, value];
  for (const [name, member] of Object.entries(value)) yield* places(member, `${place}/${name}`);
}

it.for(Object.entries(GENERATED))("%s is what the code says", ([file, text]) => {
  const isRenewed = readFileSync(join(ROOT, file), "utf8") === text();
  expect(isRenewed, `run \`npm run openapi\` and commit ${file}`).toBe(true);
});

describe("workers/gateway/openapi.json", () => {
  it("has every route, and no other", () => {
    const routed = Object.keys(ROUTES).map((name) => name.replaceAll(/:(\w+)\+?/g, "{$1}"));
    expect(CALLS.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(routed.toSorted());
  });

  it("is an OpenAPI 3.1 document", () => {
    const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(
      OPENAPI_3_1,
    );
    validate(DOCUMENT);
    expect(validate.errors ?? []).toEqual([]);
  });

  it("leads somewhere with every reference", () => {
    const references = [...places(DOCUMENT)].flatMap(([, value]) => ("$ref" in value ? [value] : []));
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) expect(followed(reference)).toBeTypeOf("object");
  });

  it("has schemas that are JSON Schema 2020-12, without a keyword that nobody knows", () => {
    const schemas = [...places(DOCUMENT)].flatMap(([, value]) =>
      "schema" in value ? [value.schema as Schema] : [],
    );
    const all = [...schemas, ...Object.values(DOCUMENT.components.schemas ?? {})];
    expect(all.length).toBeGreaterThan(50);
    for (const schema of all) expect(() => validatorOf(schema), JSON.stringify(schema)).not.toThrow();
  });

  it("gives each call an id of its own, that says method and path", () => {
    const ids = CALLS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(operationId("GET", "/")).toBe("getContents");
    expect(operationId("GET", "/api/vdc/blocks")).toBe("getBlocks");
    expect(operationId("GET", "/api/vdc/blocks/:blockNumber")).toBe("getBlock");
    expect(operationId("POST", "/api/dead-letters/:id/dismiss")).toBe("postDeadLetterDismiss");
    expect(operationId("DELETE", "/api/dead-letters/replays/:id")).toBe("deleteDeadLettersReplay");
  });

  it.for(CALLS)("describes the parameters of $id: those of its path, and what each is for", (call) => {
    const inPath = [...call.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = call.parameters.filter((parameter) => parameter.in === "path");
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    expect(declared.every(({ required }) => required)).toBe(true);
    for (const { name, description, schema } of call.parameters) {
      const said = description ?? followed<Schema>(schema).description;
      expect(
        said,
        `${name}: say what it is for with v.description, or the last argument of number and flag`,
      ).toBeTypeOf("string");
    }
  });

  it.for(CALLS)(
    "says what $id answers: no success without a schema, and the problems of its kind",
    (call) => {
      const { answers, operator, body, parameters } = call;
      const contents = Object.entries(answers).flatMap(([status, { content = {} }]) =>
        Object.entries(content).map(([type, { schema }]) => ({ status, type, schema })),
      );
      for (const { status, type, schema } of contents)
        expect(Object.keys(schema ?? {}), `${status} ${type}: give the answer a real schema`).not.toEqual([]);
      const has = (slug: keyof typeof PROBLEMS) =>
        JSON.stringify(answers[PROBLEMS[slug].status] ?? {}).includes(`/${componentOf(slug)}Problem"`);
      expect(Object.keys(answers).some((status) => /^[23]/.test(status))).toBe(true);
      expect(has("internal-error")).toBe(true);
      expect(has("unauthorized")).toBe(operator);
      expect(has("operators-not-configured")).toBe(operator);
      expect(has("invalid-parameter")).toBe(
        operator || parameters.some((parameter) => parameter.in !== "header"),
      );
      const readsBody = Object.values(body ?? {}).some(({ schema }) => schema !== undefined);
      if (readsBody) expect([has("invalid-body"), has("body-too-large")]).toEqual([true, true]);
    },
  );

  it("has every problem as a reusable answer, with its stable type and what to do", () => {
    for (const [slug, { status, title }] of Object.entries(PROBLEMS)) {
      const name = componentOf(slug);
      const schema = DOCUMENT.components.schemas?.[`${name}Problem`];
      expect(schema?.properties, slug).toMatchObject({
        type: { const: `urn:vdc:problem:${slug}` },
        title: { const: title },
        status: { const: status },
      });
      const { description, content } = DOCUMENT.components.responses?.[name] ?? {};
      expect(Object.keys(content ?? {}), slug).toEqual(["application/problem+json"]);
      expect(description, slug).toMatch(/\*\*What happened\.\*\* \S.*\*\*What to do\.\*\* \S/s);
      expect(description, slug).not.toMatch(/\]\(/);
    }
  });

  it("has no object schema twice: one that two answers share has a name", () => {
    const seen = new Map<string, string>();
    const twice = [...places(DOCUMENT)].flatMap(([place, value]) => {
      if (!("properties" in value) || Object.keys(value.properties as object).length < 3) return [];
      const text = JSON.stringify(value);
      const before = seen.get(text);
      seen.set(text, place);
      return before === undefined ? [] : [`${before} = ${place}`];
    });
    expect(twice, "export it, and add its file to cli/tools/openapi/names.ts").toEqual([]);
  });
});

function componentOf(slug: string): string {
  return slug.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
