import * as v from "valibot";

/** A whole number in R2 custom metadata, which holds text: decimal digits. */
export const WholeText = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number), v.safeInteger());
