import * as fc from "fast-check";
import { fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { nearly } from "./nearly.ts";
import { CHARACTER } from "./character.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Any bytes, some of them UTF-8 or JSON. */
export const RUBBISH: fc.Arbitrary<Bytes> = fc.oneof(
  fc.uint8Array({ maxLength: 300, size: "max" }).map((bytes) => new Uint8Array(bytes)),
  fc.string({ unit: CHARACTER, maxLength: 100 }).map((text) => utf8(text.toWellFormed())),
  fc.jsonValue({ stringUnit: CHARACTER }).map((value) => utf8(JSON.stringify(value))),
  fc
    .constantFrom(
      "",
      "{}",
      "[]",
      "null",
      "\ufeff{}",
      "[".repeat(200_000),
      `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
    )
    .map(utf8),
);

/**
 * Returns the bytes after one accident: a bit flipped, or a part lost, doubled, moved or inserted. The result always
 * differs.
 */
export function damaged(whole: Uint8Array): fc.Arbitrary<Bytes> {
  const at = fc.nat({ max: Math.max(0, whole.length - 1) });
  const length = fc.integer({ min: 1, max: 40 });
  const accident = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(at, fc.nat({ max: 7 })).map(([i, bit]) => flipped(whole, i, bit)) },
    at.map((end) => whole.slice(0, end)),
    at.map((start) => whole.slice(start + 1)),
    fc.tuple(at, length).map(([i, n]) => spliced(whole, i, n, new Uint8Array())),
    fc.tuple(at, length).map(([i, n]) => spliced(whole, i, 0, whole.slice(i, i + n))),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([i, some]) => spliced(whole, i, 0, some)),
    fc.uint8Array({ minLength: 1, maxLength: 8 }).map((some) => spliced(whole, whole.length, 0, some)),
  );
  return accident.map((bytes) => new Uint8Array(bytes)).filter((bytes) => Buffer.compare(bytes, whole) !== 0);
}

function flipped(whole: Uint8Array, at: number, bit: number): Uint8Array {
  return whole.with(at, (whole[at] as number) ^ (1 << bit));
}

function spliced(whole: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return Uint8Array.from([...whole.slice(0, at), ...added, ...whole.slice(at + removed)]);
}

/** Other spellings of the same JSON, and near misses that a reader accepts if it is not strict. */
function respelt(whole: Uint8Array): fc.Arbitrary<Bytes> {
  const text = fromUtf8(whole);
  const value: unknown = JSON.parse(text);
  const spellings = [
    `\ufeff${text}`,
    `${text}\n`,
    ` ${text}`,
    `${text}\u0000`,
    JSON.stringify(value, null, 1),
    JSON.stringify(reversed(value)),
    text.replace('{"', '{"__proto__":{},"'),
    text.replace('{"', '{"constructor":1,"'),
    text.replaceAll("{}", "[]"),
    text.replace(/"(\w)/, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
    text.replaceAll("/", "\\/"),
    text.replace(/"[0-9a-f]{64}"/, (digits) => digits.toUpperCase()),
    text.replace(/"([\w-]{80,})"/, '"$1="'),
    text.replace(/("[\w-]{80,})"/, '$1 "'),
    text.replace(/("[\w-]{80,})"/, '$1\\n"'),
    text.replace(/:(\d+)/, ":$1.0"),
    text.replace(/:(\d+)/, ":$1e0"),
    text.replace(/:(\d+)/, ":0$1"),
    text.replace(/:(\d+)/, ":+$1"),
    text.replace(/:(\d+)/, ':"$1"'),
    text.replace(/:0\b/, ":-0"),
    text.replace(/^\{("[^"]+"):/, "{$1:null,$1:"), // the first member twice
    text.replace(/,("[^"]+"):([^{}[\]]*?)\}$/, ",$1:$2,$1:$2}"),
  ];
  return fc.constantFrom(...spellings.filter((spelling) => spelling !== text)).map(utf8);
}

function reversed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toReversed());
}

/** Other JSON: a member changed, left out or added, at any depth. Spelt as given, mostly as canonical JSON. */
export function altered(whole: Uint8Array, spell: (value: unknown) => string): fc.Arbitrary<Bytes> {
  const value: unknown = JSON.parse(fromUtf8(whole));
  return nearly(fc.constant(value))
    .map((other) => spelt(other, spell))
    .filter((bytes) => Buffer.compare(bytes, whole) !== 0);
}

/** Falls back to JSON.stringify for a value that canonical JSON can't hold. */
function spelt(value: unknown, spell: (value: unknown) => string): Bytes {
  try {
    return utf8(spell(value));
  } catch {
    return utf8(JSON.stringify(value));
  }
}

/** Any of the changes above. */
export function spoiled(whole: Uint8Array, spell: (value: unknown) => string): fc.Arbitrary<Bytes> {
  return fc.oneof(damaged(whole), respelt(whole), altered(whole, spell));
}
