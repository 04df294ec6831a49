import * as v from "valibot";
import { Problem } from "../../shared/http/problems.ts";

/** Decimal without sign, exponent or leading zero, up to 2^53 − 1: one spelling for each number. */
export const WholeNumber = v.pipe(
  v.string(),
  v.regex(/^(?:0|[1-9]\d{0,15})$/, "expected a whole number in plain decimal digits"),
  v.transform(Number),
  v.safeInteger("expected a number below 2^53"),
);

/** @throws Problem "invalid-parameter" that names the parameter and says what was expected */
export function parameter<Schema extends v.GenericSchema>(
  name: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new Problem("invalid-parameter", `${name}: ${result.issues[0].message}.`, {
    members: { parameter: name },
  });
}

/** An optional query parameter that may stand once; `least` to `most`. */
export function queryNumber(
  query: URLSearchParams,
  name: string,
  bounds: { least: number; most: number; otherwise: number },
): number {
  const values = query.getAll(name);
  if (values.length === 0) return bounds.otherwise;
  if (values.length > 1) throw new Problem("invalid-parameter", `${name} stands more than once.`);
  const Bounded = v.pipe(
    WholeNumber,
    v.minValue(bounds.least, `expected at least ${bounds.least}`),
    v.maxValue(bounds.most, `expected at most ${bounds.most}`),
  );
  return parameter(name, Bounded, values[0]);
}
