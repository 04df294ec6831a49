import * as v from "valibot";

/** Why an operator does something that others will want to understand later. It stands in the audit log. */
export const Reason = v.pipe(
  v.string("say why: it is kept in the audit log"),
  v.regex(/\S/, "say why: it is kept in the audit log"),
  v.maxLength(1_000, "at most 1000 characters"),
  v.trim(),
  v.description("Why: it is kept in the audit log"),
  // JSON may hold half a surrogate pair, which canonical JSON can't.
  v.transform((text) => text.toWellFormed()),
);
