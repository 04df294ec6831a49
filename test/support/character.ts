import * as fc from "fast-check";

const SURROGATES = 0xd800; // where they begin
const HOW_MANY = 0x800;

/**
 * Any Unicode character, for the unit of a text. fast-check's own unit "binary" is the same, but makes a map of all
 * 1,112,064 before its first text: a second of every worker.
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
