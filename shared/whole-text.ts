import * as v from "valibot";

/** A whole number as R2 custom metadata holds it, which is text: decimal digits. */
export const WholeText = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number), v.safeInteger());
