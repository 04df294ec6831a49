import * as v from "valibot";

/** The reason of an operator's action, for people who must understand it later. The audit log keeps it. */
export const Reason = v.pipe(
  v.string("say why: it is kept in the audit log"),
  v.regex(/\S/, "say why: it is kept in the audit log"),
  v.maxLength(1_000, "at most 1000 characters"),
  v.trim(),
  v.description("Why: it is kept in the audit log"),
  // JSON may hold half a surrogate pair, which canonical JSON can't.
  v.transform((text) => text.toWellFormed()),
);
