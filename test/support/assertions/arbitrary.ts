import * as fc from "fast-check";
import { HUGE, NAMES } from "./nearly.ts";
import { followed, validatorOf, type Parameter, type Schema } from "./openapi.ts";
import { CHARACTER } from "./character.ts";

const LENGTHS = 40; // characters or members, if a schema sets no limit

/** Generates values that fit a schema of the document, its limits included. */
export function fitting(given: Schema): fc.Arbitrary<unknown> {
  const schema = followed<Schema>(given);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const options = schema.oneOf ?? schema.anyOf;
  if (Array.isArray(options)) return fc.oneof(...(options as Schema[]).map(fitting));
  switch (schema.type) {
    case "string":
      return schema.format === "uuid" ? fc.uuid() : texts(schema);
    case "integer":
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(fitting(schema.items as Schema), {
        minLength: Number(schema.minItems ?? 0),
        maxLength: Math.min(Number(schema.maxItems ?? 5), 20),
      });
    case "object":
      return objects(schema);
    default:
      return fc.jsonValue();
  }
}

function texts({ pattern, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  const least = Number(minLength ?? 0);
  const most = Number(maxLength ?? Infinity);
  const form = typeof pattern === "string" ? new RegExp(pattern) : /^/;
  const random =
    typeof pattern === "string"
      ? matching(pattern)
      : fc.string({ minLength: least, maxLength: Math.min(most, least + LENGTHS), unit: "grapheme" });
  const bounds = [least, most].filter(Number.isFinite).map((length) => "a".repeat(length));
  const usable = bounds.filter((text) => form.test(text));
  // JSON Schema counts code points, JavaScript counts UTF-16 units. This drops texts whose verdict depends on the
  // count.
  return (
    usable.length > 0 ? fc.oneof({ weight: 3, arbitrary: random }, fc.constantFrom(...usable)) : random
  ).filter((text) => Array.from(text).length >= least && text.length <= most);
}

/** Cached, because many schemas share a pattern, and a generator costs more time to make than all of its values. */
const byPattern = new Map<string, fc.Arbitrary<string>>();

function matching(pattern: string): fc.Arbitrary<string> {
  const known = byPattern.get(pattern) ?? newMatching(pattern);
  byPattern.set(pattern, known);
  return known;
}

/** The text of a key has 1,451 characters, so this generates a few characters and repeats them. */
function newMatching(pattern: string): fc.Arbitrary<string> {
  const [, characters, length] = /^\^(\[[^\]]+\])\{(\d{3,})\}\$$/.exec(pattern) ?? [];
  if (length === undefined) return fc.stringMatching(new RegExp(pattern), { size: "small" });
  const few = fc.stringMatching(new RegExp(`^${characters}{16}$`));
  return few.map((text) => text.padEnd(Number(length), text));
}

function numbers({ minimum, maximum }: Schema): fc.Arbitrary<number> {
  const min = Number(minimum ?? Number.MIN_SAFE_INTEGER);
  const max = Number(maximum ?? Number.MAX_SAFE_INTEGER);
  return fc.oneof(
    fc.constantFrom(min, max),
    fc.maxSafeInteger().map((n) => Math.min(max, Math.max(min, n))),
    fc.nat({ max: 100 }).map((n) => Math.min(max, Math.max(min, n))),
  );
}

function objects({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  const entries = Object.entries(properties as Record<string, Schema>);
  if (entries.length === 0 && additionalProperties !== false)
    return fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 });
  return fc.record(Object.fromEntries(entries.map(([name, schema]) => [name, fitting(schema)])), {
    requiredKeys: required as string[],
  });
}

const NOT_PLAIN = [
  "-1",
  "+1",
  "-0",
  "01",
  "1e3",
  "1.5",
  "0x1",
  " 1",
  "1 ",
  "NaN",
  "null",
  "undefined",
  "１",
  "[]",
];
const TOO_LARGE = ["9007199254740992", "18446744073709551616", "9".repeat(400)];

/** Generates texts for a parameter: texts that fit its schema, the numbers just beyond each limit, and rubbish. */
export function parameterTexts({ schema }: Parameter): fc.Arbitrary<string> {
  const { minimum, maximum } = followed<Schema>(schema);
  const beyond = [Number(minimum) - 1, Number(maximum) + 1].filter(Number.isSafeInteger).map(String);
  return fc.oneof(
    { weight: 5, arbitrary: fitting(schema).map(String) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        fc.constantFrom(...NOT_PLAIN, ...TOO_LARGE, ...beyond, ...NAMES, HUGE),
        fc.string({ unit: CHARACTER, maxLength: 20 }).map((text) => text.toWellFormed()),
      ),
    },
  );
}

/** Decides whether the text fits the parameter's schema. */
export function takes({ schema }: Parameter, text: string): boolean {
  const { type } = followed<Schema>(schema);
  if (type === "boolean") return text === "true" || text === "false";
  const isNumber = type === "integer" || type === "number";
  if (isNumber && !/^(?:0|[1-9]\d*)$/.test(text)) return false;
  return validatorOf(schema)(isNumber ? Number(text) : text);
}
