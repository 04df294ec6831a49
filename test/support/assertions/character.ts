import * as fc from "fast-check";

const SURROGATES = 0xd800; // where the surrogates begin
const HOW_MANY = 0x800;

/**
 * Any Unicode character, as the unit of a text. Replaces fast-check's unit "binary", which builds a map of all
 * 1,112,064 characters before its first text and costs every test process a second.
 */
export const CHARACTER = fc.integer({ min: 0, max: 0x10ffff - HOW_MANY }).map(
  (n) => String.fromCodePoint(n < SURROGATES ? n : n + HOW_MANY),
  (text) => {
    if (typeof text !== "string" || Array.from(text).length !== 1) throw new TypeError("not one character");
    const point = text.codePointAt(0) ?? 0;
    if (point >= SURROGATES && point < SURROGATES + HOW_MANY) throw new TypeError("half a character");
    return point < SURROGATES ? point : point - HOW_MANY;
  },
);
