import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import {
  canonicalBytes,
  canonicalText,
  parseCanonical,
  type Json,
} from "../../../../shared/crypto/canonical.ts";
import { some, vectorSets } from "../../../support/chain/vectors.ts";

interface Row {
  name: string;
  input: string;
  output: string;
  outhex: string;
}

describe.each(vectorSets("rfc8785.json", "jcs/rfc8785.json"))("RFC 8785 vectors, $set", ({ vectors }) => {
  it.each(some(vectors as Row[]))("gives the published bytes of $name", ({ input, output, outhex }) => {
    const value = JSON.parse(input) as Json;
    expect(canonicalText(value)).toBe(output);
    expect(hex(canonicalBytes(value))).toBe(outhex);
    expect(canonicalText(parseCanonical(v.unknown(), utf8(output)) as Json)).toBe(output);
  });
});

const json = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<Json>;

describe("canonical JSON", () => {
  it("reads back as the same value and is its own canonical form", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalText(JSON.parse(text) as Json)).toBe(text);
        expect(canonicalText(parseCanonical(v.unknown(), canonicalBytes(value)) as Json)).toBe(text);
      }),
    );
  });

  it("does not depend on the order of members", () => {
    const members = fc.uniqueArray(fc.tuple(fc.string(), json), { selector: ([name]) => name });
    fc.assert(
      fc.property(members, (entries) => {
        const reversed = entries.toReversed();
        expect(canonicalText(ordered(entries))).toBe(canonicalText(ordered(reversed)));
      }),
    );
  });

  it.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["infinity", { a: Number.POSITIVE_INFINITY }],
    ["a lone surrogate", ["\ud800"]],
    ["a lone surrogate in a name", { "\udc00": 1 }],
    ["undefined", undefined],
    ["undefined in an array", [undefined]],
    ["a hole", Array(2)],
    ["a function", { a: () => 1 }],
    ["a bigint", 1n],
    ["a symbol", Symbol("a")],
    ["a Date", new Date(0)],
    ["a Map", new Map()],
    ["bytes", new Uint8Array(1)],
    ["a boxed string", Object("a")],
  ])("refuses %s", (_, value) => {
    expect(() => canonicalText(value as Json)).toThrow(TypeError);
  });

  it("leaves out a member that is undefined", () => {
    expect(canonicalText({ b: 1, a: undefined })).toBe('{"b":1}');
  });

  it.each(['{"b":1,"a":2}', '{ "a":1}', '{"a":1,"a":1}', '{"a":1.0}', '"\\u0061"', "1e2", '{"a":1}\n', "-0"])(
    "is not %s when it is read back",
    (text) => {
      expect(() => parseCanonical(v.unknown(), utf8(text))).toThrow(TypeError);
    },
  );
});

function ordered(entries: [string, Json][]): Json {
  return Object.fromEntries(entries) as Json;
}
