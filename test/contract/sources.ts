import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parseAst } from "vitest/node";
import { ROOT } from "../../cli/local/workers.ts";

/** A node of the syntax tree (ESTree with TypeScript's own nodes), of which a test looks at a member or two. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [member: string]: unknown;
}

export interface Source {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
}

/** The source files that fit the pattern; none is an error, for a test over nothing passes whatever the code does. */
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

/** The nodes of whole programs: many tests walk the same files. */
const walked = new WeakMap<object, readonly Node[]>();

/** Every node below this one, and itself. */
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
  /** A path from the root for a file of the project, else the specifier of a package (`node:fs`, `valibot`). */
  readonly target: string;
  /** Erased before it runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const imports = new WeakMap<Source, readonly Import[]>();

/** What a file imports, exports from elsewhere, or loads while it runs. */
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

/** The package that a specifier names: `@noble/hashes` for `@noble/hashes/sha2.js`. */
export function packageOf(specifier: string): string {
  return specifier.startsWith("node:")
    ? specifier
    : specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
}

/** All files that run when this one does: itself and what it imports, but for types. */
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
