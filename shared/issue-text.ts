import * as v from "valibot";

type Issue = v.BaseIssue<unknown>;

/**
 * What is wrong with a value, in words for a person. A schema's own words are kept. Those of the library are written anew: they
 * are for programmers, and quote the value, which may be private.
 */
export function faultText(issue: Issue): string {
  const { message, expected, received } = issue;
  if (!/^Invalid [a-z ]+: (?:Expected|Received) /.test(message)) return message.slice(0, 300);
  if (expected === "never") return "it does not belong here";
  if (received === "undefined") return "it is missing";
  if (expected === null) return "it is not as it must be";
  return `expected ${inWords(expected)}`.slice(0, 300);
}

/** With the place: `data.assetId: it is missing`. @param whole what the value is called when all of it is wrong */
export function issueText(issue: Issue, whole: string): string {
  return `${v.getDotPath(issue)?.slice(0, 100) ?? whole}: ${faultText(issue)}`;
}

/** All of them, in one line. */
export function issuesText(issues: readonly Issue[], whole: string): string {
  return issues.map((issue) => issueText(issue, whole)).join("; ");
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  Object: "an object",
  Array: "a list",
  unknown: "a value",
};

/** `(string | null)`: a text or null. `>=1`: at least 1. */
function inWords(expected: string): string {
  return expected
    .replaceAll(/^\(|\)$/g, "")
    .split(" | ")
    .map((one) => KINDS[one] ?? one.replace(/^>=/, "at least ").replace(/^<=/, "at most "))
    .join(" or ");
}
