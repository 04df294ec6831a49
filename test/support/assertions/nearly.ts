import * as fc from "fast-check";
import { CHARACTER } from "./character.ts";

/** Longer than any text that a schema allows. */
export const HUGE = "x".repeat(5_000);

const ANYTHING: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ stringUnit: CHARACTER }),
  fc.constantFrom<unknown>("", HUGE, -1, 0, 1e308, -0.5, true, null, [], {}, [[]], "null", "\u0000", "💩"),
);
export const NAMES = ["__proto__", "constructor", "toString", "then", "a.b", "", "ids", "all", "💩"];

/**
 * These values with one change (a member changed, left out or added), or any JSON. Some results still fit the schema.
 */
export function nearly(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const how = fc.constantFrom<Spoiling>("change", "omit", "add");
  const way = fc.array(fc.nat(), { minLength: 1, maxLength: 4 });
  const spoiled = fc
    .tuple(values, way, how, fc.constantFrom(...NAMES), ANYTHING)
    .map(([value, way, how, name, anything]) => spoil(value, way, how, name, anything));
  return fc.oneof(ANYTHING, { weight: 3, arbitrary: spoiled });
}

type Spoiling = "change" | "omit" | "add";

/** @param way the member to change, then a member of that member, for as many levels as there are */
function spoil(
  value: unknown,
  way: readonly number[],
  how: Spoiling,
  name: string,
  anything: unknown,
): unknown {
  if (typeof value !== "object" || value === null) return anything;
  const entries = Object.entries(value as Record<string, unknown>);
  const [first = 0, ...rest] = way;
  const at = first % Math.max(1, entries.length);
  const [chosen, member] = entries[at] ?? [name, anything];
  if (rest.length > 0 && typeof member === "object" && member !== null)
    entries[at] = [chosen, spoil(member, rest, how, name, anything)];
  else if (how === "add") entries.push([name, anything]);
  else entries.splice(at, 1, ...(how === "omit" ? [] : [[chosen, anything] as [string, unknown]]));
  // `Object.fromEntries` makes `__proto__` an own member, as JSON.parse does.
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}
