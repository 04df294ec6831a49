import { parseAst } from "vitest/node";
import { describe, expect, it } from "vitest";
import { lineOf, nodes, sources, type Node, type Source } from "./sources.ts";

/**
 * Names of secret values. A hash, an id or a count of a secret is not secret, and neither is a value that is known to
 * be public.
 */
const SECRET =
  /secret|password|passphrase|jwt|bearer|authorization|seed|private_?key|api_?key|(?:^|[a-z])token$|^token/i;
const HARMLESS =
  /hash|digest|id$|ids$|count|length|bytes|public|page_?token|facts|names?$|usedby|type$|is[A-Z]/i;

/**
 * Returns the name by which a value is reached: `env.ADMIN_SECRET`, `secret.trim()`, `Bearer ${jwt}`, `given as
 * string`.
 */
function nameOf(node: Node): string | undefined {
  const part = (member: string) => node[member] as Node | undefined;
  switch (node.type) {
    case "Identifier":
      return String(node.name);
    case "MemberExpression": {
      const { name, value } = node.property as { name?: string; value?: unknown };
      return name ?? (typeof value === "string" ? value : undefined);
    }
    case "CallExpression": {
      const callee = part("callee");
      const [first] = node.arguments as Node[];
      // For `headers.get("authorization")`, the argument names the value; for `secret.trim()`, the object does.
      if (first?.type === "Literal" && SECRET.test(String(first.value))) return String(first.value);
      return callee?.type === "MemberExpression" ? nameOf(callee.object as Node) : undefined;
    }
    case "TemplateLiteral":
      return (node.expressions as Node[]).map(nameOf).find(isSecretName);
    case "AwaitExpression":
      return nameOf(node.argument as Node);
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "ChainExpression":
    case "ParenthesizedExpression":
      return nameOf(node.expression as Node);
    case "LogicalExpression":
      return nameOf(node.left as Node);
    default:
      return undefined;
  }
}

function isSecretName(name: string | undefined): boolean {
  return name !== undefined && SECRET.test(name) && !HARMLESS.test(name);
}

/** Tells whether the node only stands for absence. A comparison with it reveals nothing of the secret's contents. */
function isNothing(node: Node): boolean {
  const { type, value, name, operator } = node;
  return (
    (type === "Literal" && (value === null || value === "" || typeof value === "boolean")) ||
    (type === "Identifier" && name === "undefined") ||
    (type === "UnaryExpression" && operator === "typeof")
  );
}

const EQUALITY = ["===", "!==", "==", "!=", "<", ">", "<=", ">="];
const COMPARING = ["includes", "indexOf", "startsWith", "endsWith", "localeCompare", "has", "equalBytes"];

/** Returns comparisons that end sooner for values that differ sooner, with a secret on one side. */
function comparisons({ program, ...file }: Pick<Source, "program" | "path" | "text">): string[] {
  return nodes(program).flatMap((node) => {
    const operands = operandsOf(node);
    if (operands.some(isNothing) || !operands.some((operand) => isSecretName(nameOf(operand)))) return [];
    const { start, end } = node as Node & { end: number };
    return [`${file.path}:${lineOf({ ...file, program }, node)} ${file.text.slice(start, end)}`];
  });
}

function operandsOf(node: Node): Node[] {
  if (node.type === "BinaryExpression" && EQUALITY.includes(String(node.operator)))
    return [node.left as Node, node.right as Node];
  if (node.type === "SwitchStatement") return [node.discriminant as Node];
  if (node.type !== "CallExpression") return [];
  const callee = node.callee as Node;
  const [first, second] = node.arguments as Node[];
  if (callee.type === "Identifier" && COMPARING.includes(String(callee.name)))
    return [first, second].filter((operand) => operand !== undefined);
  if (callee.type !== "MemberExpression" || first === undefined) return [];
  return COMPARING.includes(nameOf(callee) ?? "") ? [callee.object as Node, first] : [];
}

describe("a secret", () => {
  it("is compared in constant time, and in one place for the Workers [T26]", () => {
    const found = sources("{shared,workers,cli}/**/*.ts").flatMap(comparisons);
    expect(found, "compare it with sameSecret (shared/http/secret.ts)").toEqual([]);
    const places = sources("{shared,workers}/**/*.ts").filter(({ text }) => text.includes("timingSafeEqual"));
    expect(places.map(({ path }) => path)).toEqual(["shared/http/secret.ts"]);
  });

  it.each([
    "given === env.ADMIN_SECRET",
    "env.ADMIN_SECRET != given",
    "`Bearer ${jwt}` === header",
    'headers.get("authorization") === expected',
    'request.headers.get("x-admin-secret") === configured',
    "secrets.includes(given.token)",
    "token.startsWith(given)",
    "(token as string) === given.trim()",
    "equalBytes(seed, other)",
    "switch (secret) { case given: }",
    "settings.jwt.trim() === given",
  ])("would be found where it is compared otherwise: %s", (text) => {
    const program = parseAst(text, { lang: "ts" }) as unknown as Node;
    expect(comparisons({ path: "a.ts", text, program })).toHaveLength(1);
  });

  it.each([
    'secret === ""',
    "token === undefined",
    "seed.length !== 32",
    "tokenHash === other",
    'typeof secret === "string"',
    "keyId === other",
  ])("is not compared where something else is: %s", (text) => {
    const program = parseAst(text, { lang: "ts" }) as unknown as Node;
    expect(comparisons({ path: "a.ts", text, program })).toEqual([]);
  });
});
