import * as v from "valibot";
import { Sha256Hex } from "../chain/transaction.ts";

/** A whole number in decimal digits up to 2^53 − 1, without sign, exponent or leading zero: one spelling for each number. */
export const WholeNumber = v.pipe(
  v.string(),
  v.regex(/^(?:0|[1-9]\d{0,15})$/, "expected a whole number in plain decimal digits"),
  v.transform(Number),
  v.safeInteger("expected a number below 2^53"),
  v.minValue(0),
);

export const NumberOfBlock = v.pipe(WholeNumber, v.description("The block's number; genesis is 0"));

/** The path parameter of a call about one document. */
export const OfDocument = v.strictObject({
  documentId: v.pipe(Sha256Hex, v.description("As its upload was answered")),
});

/** A number in a query, from `least` to `most`; `otherwise` when it is absent. `does` is its text in `openapi.json`. */
export function number(bounds: { least: number; most: number; otherwise: number }, does = "") {
  return v.optional(
    v.pipe(
      WholeNumber,
      v.minValue(bounds.least, `expected at least ${bounds.least}`),
      v.maxValue(bounds.most, `expected at most ${bounds.most}`),
      v.description(does),
    ),
    String(bounds.otherwise),
  );
}

/** A query parameter that takes one of several words. */
export function oneOf<const Words extends readonly string[]>(words: Words, does: string) {
  return v.pipe(v.picklist(words, `expected one of ${words.join(", ")}`), v.description(does));
}

/** `true` or `false` in a query. */
export function flag(otherwise: boolean, does = "") {
  return v.optional(
    v.pipe(
      v.picklist(["true", "false"], "expected true or false"),
      v.transform((text) => text === "true"),
      v.description(does),
    ),
    otherwise ? "true" : "false",
  );
}
