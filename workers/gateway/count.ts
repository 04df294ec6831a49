import * as v from "valibot";

/** How many, or how many seconds. */
export const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
