import { isNode, source, type Node } from "../contract/sources.ts";

const NAMES = ["describe", "it", "test"];

/**
 * Returns the full titles of a file's tests, as the code spells them: `describe › it`, and each describe by itself. The
 * title of a table of tests keeps its placeholders: "refuses %s".
 * @param path from the root
 */
export function titlesIn(path: string): ReadonlySet<string> {
  const titles = new Set<string>();
  const visit = (node: Node, above: readonly string[]): void => {
    const title = titleOf(node, source(path).text);
    const within = title === undefined ? above : [...above, title];
    if (title !== undefined) titles.add(within.join(" › "));
    for (const child of childrenOf(node)) visit(child, within);
  };
  visit(source(path).program, []);
  return titles;
}

/** `it("…")`, `it.each(…)("…")`, `describe.concurrent("…")`, `it.skipIf(…)("…")` */
function titleOf(node: Node, text: string): string | undefined {
  if (node.type !== "CallExpression") return undefined;
  const [first] = node.arguments as (Node & { value?: unknown; end: number })[];
  const root = rootOf(node.callee as Node);
  if (first === undefined || root === undefined || !NAMES.includes(root)) return undefined;
  if (first.type === "Literal" && typeof first.value === "string") return first.value;
  return first.type === "TemplateLiteral" ? text.slice(first.start + 1, first.end - 1) : undefined;
}

/** Returns the name at the beginning of a chain of members and calls. */
function rootOf(node: Node): string | undefined {
  if (node.type === "Identifier") return String(node.name);
  if (node.type === "MemberExpression") return rootOf(node.object as Node);
  return node.type === "CallExpression" ? rootOf(node.callee as Node) : undefined;
}

function* childrenOf(node: Node): Generator<Node> {
  for (const member of Object.values(node)) {
    if (member === null || typeof member !== "object") continue;
    const parts: unknown[] = Array.isArray(member) ? member : [member];
    for (const part of parts) if (isNode(part)) yield part;
  }
}
