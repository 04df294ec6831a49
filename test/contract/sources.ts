import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseAst } from "vitest/node";
import { ROOT } from "../../cli/local/stack/workers.ts";

/** A node of the syntax tree (ESTree with TypeScript's own nodes). A test reads a few of its members. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [member: string]: unknown;
}

export interface Source {
  /** The path from the root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
}

/**
 * Returns the source files that fit the pattern. Throws if there are none, because a test over no files passes whatever
 * the code does.
 */
export function sources(pattern: string): readonly Source[] {
  const paths = globSync(pattern, { cwd: ROOT }).map((path) => path.replaceAll("\\", "/"));
  if (paths.length === 0) throw new Error(`no file fits ${pattern}`);
  return paths.toSorted().map(source);
}

const read = new Map<string, Source>();

/** @param path from the root */
export function source(path: string): Source {
  const known = read.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(ROOT, path), "utf8");
  const parsed = { path, text, program: parseAst(text, { lang: "ts" }) as unknown as Node };
  read.set(path, parsed);
  return parsed;
}

/** The nodes of whole programs, cached because many tests walk the same files. */
const walked = new WeakMap<object, readonly Node[]>();

/** Returns the node and every node below it. */
export function nodes(start: unknown): readonly Node[] {
  if (start === null || typeof start !== "object") return [];
  const known = walked.get(start);
  if (known !== undefined) return known;
  const found: Node[] = [];
  collect(start, found);
  if (Reflect.get(start, "type") === "Program") walked.set(start, found);
  return found;
}

function collect(value: object, into: Node[]): void {
  if (isNode(value)) into.push(value);
  for (const member of Object.values(value) as unknown[])
    if (member !== null && typeof member === "object") collect(member, into);
}

function isNode(value: unknown): value is Node {
  return (
    value !== null &&
    typeof value === "object" &&
    !Array.isArray(value) &&
    "type" in value &&
    typeof value.type === "string"
  );
}

export function lineOf({ text }: Source, { start }: Node): number {
  return text.slice(0, start).split("\n").length;
}

interface Import {
  /** The path from the root for a file of the project, else the specifier of a package (`node:fs`, `valibot`). */
  readonly target: string;
  /** The import is erased before the code runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const imports = new WeakMap<Source, readonly Import[]>();

/** Returns everything that a file imports, re-exports, or loads while it runs. */
export function importsOf(file: Source): readonly Import[] {
  const known = imports.get(file) ?? readImports(file);
  imports.set(file, known);
  return known;
}

function readImports(file: Source): readonly Import[] {
  return nodes(file.program).flatMap((node) => {
    const specifier = specifierOf(file, node);
    if (specifier === undefined) return [];
    const target = specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : specifier;
    const typeOnly = node.importKind === "type" || node.exportKind === "type" || node.type === "TSImportType";
    return [{ target, typeOnly, line: lineOf(file, node) }];
  });
}

const WITH_SOURCE = [
  "ImportDeclaration",
  "ExportAllDeclaration",
  "ExportNamedDeclaration",
  "ImportExpression",
  "TSImportType",
];

function specifierOf(file: Source, node: Node): string | undefined {
  if (!WITH_SOURCE.includes(node.type) || !node.source) return undefined;
  const { value } = node.source as { value?: unknown };
  if (typeof value === "string") return value;
  throw new Error(`${file.path}:${lineOf(file, node)} imports what no reader can tell: write the path out`);
}

/** Returns the package that a specifier names: `@noble/hashes` for `@noble/hashes/sha2.js`. */
export function packageOf(specifier: string): string {
  return specifier.startsWith("node:")
    ? specifier
    : specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
}

/** Returns all files that run when this file runs: the file and its imports, without type imports. */
export function reachableFrom(path: string): readonly Source[] {
  const found = new Map<string, Source>();
  const visit = (next: string) => {
    if (found.has(next)) return;
    const file = source(next);
    found.set(next, file);
    for (const { target, typeOnly } of importsOf(file))
      if (!typeOnly && target.endsWith(".ts")) visit(target);
  };
  visit(path);
  return [...found.values()];
}
