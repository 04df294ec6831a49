import { describe, expect, it } from "vitest";
import { PROPERTIES, WITHOUT } from "./properties.ts";
import { importsOf, nodes, reachableFrom, source, sources, type Node } from "./sources.ts";

/** Functions that turn text and bytes from outside into values. */
const FUNCTIONS = new Set([
  "parseCanonical",
  "readInto",
  "readText",
  "readAtMost",
  "parseEnv",
  "fromUtf8",
  "Number",
]);
const METHODS = new Map([
  ["JSON", /^parse$/],
  ["v", /^(?:parse|safeParse|is)$/],
  ["URL", /^(?:parse|canParse)$/],
  ["Date", /^parse$/],
  ["headers", /^get$/],
]);
const OF_ANYTHING = /^(?:formData|split|json)$/;

function reads(node: Node): boolean {
  if (node.type === "NewExpression") return ["URL", "TextDecoder"].includes(nameOf(node.callee));
  if (node.type !== "CallExpression") return false;
  const callee = node.callee as Node;
  if (callee.type === "Identifier") return FUNCTIONS.has(nameOf(callee));
  if (callee.type !== "MemberExpression") return false;
  const [object, method] = [nameOf(callee.object), nameOf(callee.property)];
  if (method === "exec") return isPattern(callee.object as Node);
  if (OF_ANYTHING.test(method)) return object !== "Response";
  return METHODS.get(object)?.test(method) === true;
}

/** Returns the last name of a reference: `headers` for `call.request.headers`. */
function nameOf(node: unknown): string {
  const { type, name, property } = node as { type: string; name?: string; property?: unknown };
  return type === "MemberExpression" ? nameOf(property) : (name ?? "");
}

/** Tells whether the object of `exec` is a pattern. SQL is executed too. */
function isPattern(object: Node): boolean {
  return object.type === "Literal" || /^[A-Z_0-9]+$|^pattern$|^path$/.test(nameOf(object));
}

/** Files that run on a developer's machine, over the project's own files. */
const OF_THE_PROJECT = /^(?:cli\/local\/demo\/|cli\/tools\/)/;

const readers = sources("{shared,workers,cli}/**/*.ts")
  .filter(({ path, program }) => !OF_THE_PROJECT.test(path) && [...nodes(program)].some(reads))
  .map(({ path }) => path);

const BY_HTTP = ["test/workers/fuzz.test.ts", "test/workers/refused.test.ts"];

const reached = new Map<string, ReadonlySet<string>>();

/** Returns the code that a property test runs; undefined for another test. */
function runBy(test: string): ReadonlySet<string> | undefined {
  if (!importsOf(source(test)).some(({ target }) => target === "fast-check")) return undefined;
  const known = reached.get(test) ?? new Set(reachableFrom(test).map(({ path }) => path));
  reached.set(test, known);
  return known;
}

describe("whatever is read from outside", () => {
  it("has a test of its properties, or a reason why not", () => {
    const named = [...Object.keys(PROPERTIES), ...Object.keys(WITHOUT)];
    expect(
      readers.filter((reader) => !named.includes(reader)),
      "name it in test/contract/properties.ts",
    ).toEqual([]);
    expect(
      named.filter((name) => !readers.includes(name)),
      "it reads nothing any more",
    ).toEqual([]);
    expect(Object.keys(PROPERTIES).filter((name) => name in WITHOUT)).toEqual([]);
  });

  it.for(Object.entries(PROPERTIES))("is read by %s in the test that is named", ([reader, test]) => {
    const isRun = BY_HTTP.includes(test) ? reader.startsWith("workers/") : runBy(test)?.has(reader);
    expect(isRun).toBe(true);
  });
});
