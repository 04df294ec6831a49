import { globSync } from "node:fs";
import { basename } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { fitting } from "../support/assertions/arbitrary.ts";
import { oneByteTooMany } from "./large-body.ts";
import { CALLS, callOf, DOCUMENT, faultsOf, type DocumentedCall } from "../support/assertions/openapi.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders, expectPrivate } from "../support/assertions/problems.ts";
import { prepare, RECIPES } from "./recipes.ts";
import { secretsIn, secretTexts } from "../support/stack/secrets.ts";

/** Statuses that calls of a kind answer alike, so that no recipe is needed. */
const ALIKE = ["400", "401", "413", "429"];

const hasRecipe = ({ id }: DocumentedCall, status: string) => RECIPES[id]?.[Number(status)] !== undefined;
const texts = ({ parameters }: DocumentedCall) => parameters.filter((parameter) => parameter.in !== "header");

/** Returns a path of the call, with a value that fits for each parameter. */
function pathOf({ path, parameters }: DocumentedCall): string {
  return parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((url, { name, schema }) => {
      const [value] = fc.sample(
        fitting(schema).filter((text) => !/^\.{0,2}$/.test(String(text))),
        { numRuns: 1, seed: 1 },
      );
      return url.replace(`{${name}}`, () => encodeURIComponent(String(value)));
    }, path);
}

/** The last answer of each call and status. */
const answers = new Map<string, string>();

async function expectAsDocumented(call: DocumentedCall, status: string, response: Response): Promise<void> {
  const text = await response.clone().text();
  answers.set(`${call.id} ${status}`, JSON.stringify([...response.headers]) + text);
  expect(String(response.status), text.slice(0, 500)).toBe(status);
  expectHeaders(response);
  if (call.operator) expectPrivate(response);
  expect(await faultsOf(call, response)).toEqual([]);
}

describe("every call of openapi.json", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
    await prepare(pipeline);
  });
  afterAll(() => pipeline.close());

  const callerOf = ({ operator }: DocumentedCall): Record<string, string> =>
    operator ? { "x-admin-secret": pipeline.secrets.ADMIN_SECRET } : {};

  const asAllowed = (call: DocumentedCall, path: string, body?: string) =>
    pipeline.fetch(path, {
      method: call.method,
      headers: callerOf(call),
      ...(body !== undefined && { body }),
    });

  it("is the document that the gateway serves, to any web page", async () => {
    const response = await pipeline.fetch("/openapi.json");
    expect(await response.json()).toEqual(DOCUMENT);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
  });

  it.for(CALLS)("$id has a recipe for each answer that is its own", (call) => {
    const own = Object.keys(call.answers).filter(
      (status) => /^[234]/.test(status) && !ALIKE.includes(status),
    );
    const without = own.filter((status) => !hasRecipe(call, status));
    expect(without, `add a recipe for these answers of ${call.id} to test/workers/recipes.ts`).toEqual([]);
  });

  it("is still there for each recipe", () => {
    for (const [id, recipes] of Object.entries(RECIPES))
      for (const status of Object.keys(recipes)) expect(callOf(id).answers, id).toHaveProperty(status);
  });

  it("has its answers elsewhere where a recipe says so", () => {
    const named = Object.values(RECIPES).flatMap((recipes) =>
      Object.values(recipes).flatMap((recipe) =>
        typeof recipe === "string" ? [recipe.split(": ")[0] ?? ""] : [],
      ),
    );
    const tests = globSync("test/{workers,pipeline}/*.{test,prove}.ts", { cwd: ROOT }).map((path) =>
      basename(path),
    );
    expect(named.filter((file) => file !== "nowhere" && !tests.includes(file))).toEqual([]);
  });

  const cases = Object.entries(RECIPES).flatMap(([id, recipes]) =>
    Object.entries(recipes).flatMap(([status, recipe]) =>
      typeof recipe === "string" ? [] : [{ id, status, recipe }],
    ),
  );
  it.for(cases)("$id answers $status as documented [T24]", async ({ id, status, recipe }) => {
    await expectAsDocumented(callOf(id), status, await recipe(pipeline));
  });

  it.for(CALLS.filter(({ operator }) => operator))("$id refuses who is no operator [T27]", async (call) => {
    const response = await pipeline.fetch(pathOf(call), { method: call.method });
    await expectAsDocumented(call, "401", response);
  });

  it.for(CALLS.filter((call) => call.operator || texts(call).length > 0))(
    "$id refuses a parameter that it can't read",
    async (call) => {
      const inPath = call.path.replace(/\{\w+\}/, "%ff");
      const name = texts(call).find((parameter) => parameter.in === "query")?.name ?? "unknown";
      const path = inPath === call.path ? `${call.path}?${name}=1&${name}=1` : inPath;
      await expectAsDocumented(call, "400", await asAllowed(call, path));
    },
  );

  it.for(CALLS.filter(({ body }) => body !== undefined))(
    "$id refuses a body that it can't read, or that is too large, whether or not that is announced [T8 T9]",
    async (call) => {
      const { method, maxBytes = 0 } = call;
      const path = pathOf(call);
      await expectAsDocumented(call, "400", await asAllowed(call, path, "not JSON"));
      const headers = callerOf(call);
      for await (const answer of oneByteTooMany(`${pipeline.url}${path}`, { method, headers, maxBytes })) {
        expect(await answer.clone().json()).toMatchObject({ maxBytes });
        await expectAsDocumented(call, "413", answer);
      }
    },
  );

  it("takes a body only where it says how large it may be", () => {
    const taking = Object.keys(RECIPES).filter((id) => /^(?:post|put)/.test(id));
    const without = taking.filter((id) => callOf(id).body !== undefined && !callOf(id).maxBytes);
    expect(without).toEqual([]);
    expect(taking.length).toBeGreaterThan(10);
  });

  it.for(CALLS.filter(({ method }) => method === "GET"))("$id answers HEAD without a body", async (call) => {
    const response = await pipeline.fetch(pathOf(call), {
      method: "HEAD",
      headers: { "x-admin-secret": pipeline.secrets.ADMIN_SECRET },
    });
    expect(await faultsOf(call, response, "HEAD")).toEqual([]);
  });

  it("tells no secret, whatever it answers, and none is in the log of all this [T66]", () => {
    const secrets = secretTexts(pipeline.secrets);
    expect(answers.size).toBeGreaterThan(CALLS.length * 2);
    for (const [what, answer] of answers) expect(secretsIn(answer, secrets), what).toEqual([]);
    const told = answers.get("postActivationTokens 200") ?? "";
    const [token = "none"] = /vdc_at_[\w-]{43}/.exec(told) ?? [];
    const lines = pipeline.harness.getLogs().map(({ message }) => message);
    expect(lines.length).toBeGreaterThan(CALLS.length * 2);
    for (const line of lines) expect(secretsIn(line, [...secrets, token])).toEqual([]);
  });
});
