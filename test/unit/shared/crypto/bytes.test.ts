import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  base64url,
  concat,
  equalBytes,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  utf8,
} from "../../../../shared/crypto/bytes.ts";
import { CHARACTER } from "../../../support/assertions/character.ts";

const bytes = fc.uint8Array({ maxLength: 200 });

describe("base64url", () => {
  it("gives any bytes back", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        expect(hex(fromBase64url(base64url(some)))).toBe(hex(some));
      }),
    );
  });

  it("spells as Node does, also beyond one chunk of characters", () => {
    const long = Uint8Array.from({ length: 100_001 }, (_, i) => (i * 31) & 0xff);
    expect(base64url(long)).toBe(Buffer.from(long).toString("base64url"));
  });

  it("takes one spelling only: whatever it accepts it spells the same", () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from("AQgwBCz09-_=+/ ")) });
    fc.assert(
      fc.property(text, (spelling) => {
        const decoded = attempt(() => fromBase64url(spelling));
        expect(decoded === undefined ? spelling : base64url(decoded)).toBe(spelling);
      }),
    );
  });

  it.each(["A", "AA==", "AB", "AAB", "A+", "A/", "AA AA", "AA\n", "é"])("refuses %j", (text) => {
    expect(() => fromBase64url(text)).toThrow(TypeError);
  });
});

describe("hex", () => {
  it("gives any bytes back", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        expect(equalBytes(fromHex(hex(some)), some)).toBe(true);
      }),
    );
  });

  it.each(["0", "0G", "AB", " 00", "00\n", "0x00"])("refuses %j", (text) => {
    expect(() => fromHex(text)).toThrow(TypeError);
  });
});

describe("UTF-8", () => {
  it("gives any text back, byte order mark included", () => {
    const text = fc.string({ unit: CHARACTER });
    fc.assert(
      fc.property(text, (some) => {
        expect(fromUtf8(utf8(some))).toBe(some);
      }),
    );
    expect(fromUtf8(utf8("\ufeffx"))).toBe("\ufeffx");
  });

  it("refuses bytes that are not UTF-8 instead of replacing them", () => {
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError);
    expect(() => fromUtf8(Uint8Array.of(0xc0, 0x80))).toThrow(TypeError);
  });
});

describe("concat", () => {
  it("joins parts in their order", () => {
    expect(hex(concat(fromHex("01"), fromHex(""), fromHex("0203")))).toBe("010203");
  });
});

function attempt<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
