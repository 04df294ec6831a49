import * as v from "valibot";
import { issuesText } from "./issue-text.ts";
import { errorText } from "../runtime/log.ts";

/** Meanings of the platform's errors. They are plain `Error`s, so only their texts tell them from VDC's own. */
const PLATFORM: readonly (readonly [RegExp, string])[] = [
  [/SQLITE_|too many SQL/, "the database of a Durable Object failed"],
  [/^KV [A-Z]+ failed/, "KV failed"],
  [/^(?:get|put|head|delete|list): .*\(\d{5}\)$/, "R2 failed"],
  [/^Queue \w+ failed/, "the queue took no message"],
  [/Network connection lost|internal error|was reset|overloaded/i, "a part of Cloudflare broke off the call"],
];

/**
 * Explains a failure to a person. VDC's own errors explain themselves; errors of libraries and of the platform are
 * rephrased. The error's own text, `errorText`, is for logs.
 */
export function reasonText(error: unknown): string {
  return meaningOf(error) ?? errorText(error instanceof Error ? error.message : error);
}

function meaningOf(error: unknown): string | undefined {
  if (error instanceof v.ValiError)
    return issuesText((error as v.ValiError<v.GenericSchema>).issues, "what was read");
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  switch (name) {
    case "TimeoutError":
      return "there was no answer in time";
    case "AbortError":
      return "the request was given up";
    case "SyntaxError":
      return "what was read is not JSON";
    case "TypeError":
      return /fetch|network/i.test(message) ? "the connection failed" : OWN_FAULT;
    case "RangeError":
    case "ReferenceError":
      return OWN_FAULT;
    default:
      return PLATFORM.find(([pattern]) => pattern.test(message))?.[1];
  }
}

const OWN_FAULT = "a fault in the Worker itself, or in what it read: its log has the details";
