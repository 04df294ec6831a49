import * as v from "valibot";

type Issue = v.BaseIssue<unknown>;

/**
 * Describes in plain words the fault of a value. Keeps the messages of VDC's own schemas. Rewrites the library's
 * messages, which are for programmers and quote the value, which may be private.
 */
export function faultText(issue: Issue): string {
  const { message, expected, received } = issue;
  if (!/^Invalid [a-z ]+: (?:Expected|Received) /.test(message)) return message.slice(0, 300);
  if (expected === "never") return "it does not belong here";
  if (received === "undefined") return "it is missing";
  if (expected === null) return "it is not as it must be";
  return `expected ${inWords(expected)}`.slice(0, 300);
}

/** Adds the place: `data.assetId: it is missing`. @param whole the name of the value, for a fault of the whole value */
export function issueText(issue: Issue, whole: string): string {
  return `${v.getDotPath(issue)?.slice(0, 100) ?? whole}: ${faultText(issue)}`;
}

/** Describes all issues on one line. */
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

/** Translates the library's notation. `(string | null)`: a text or null. `>=1`: at least 1. */
function inWords(expected: string): string {
  return expected
    .replaceAll(/^\(|\)$/g, "")
    .split(" | ")
    .map((one) => KINDS[one] ?? one.replace(/^>=/, "at least ").replace(/^<=/, "at most "))
    .join(" or ");
}
