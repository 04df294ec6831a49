import { parseEnv } from "node:util";

/**
 * Reads a setting from a file that holds it as a line `NAME='value'`, as .dev.vars does, or as a member of a JSON object, as the
 * secrets files of `wrangler deploy` do; a file without the name holds the value alone.
 */
export function settingIn(text: string, name: string): string {
  return memberOf(text, name) ?? parseEnv(text)[name] ?? text.trim();
}

function memberOf(text: string, name: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // lines, or the value alone
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const member: unknown = Reflect.get(value, name);
  return typeof member === "string" ? member : undefined;
}
