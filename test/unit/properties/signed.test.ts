import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalText, type Json } from "../../../shared/crypto/canonical.ts";
import { RUBBISH, spoiled } from "../../support/assertions/mutations.ts";
import { signedFormats, type Format } from "./signed-formats.ts";
import { runs } from "../../support/assertions/fast-check.ts";

const NAMES = [
  "a block, verified alone",
  "a block, verified in its chain",
  "genesis, whose hash is known",
  "a document's record, as it is stored",
  "a document's record, opened by its owner",
  "a submission",
  "an activation",
  "a user's metadata",
  "an envelope",
  "an audit log, whose head was noted",
  "an event of Stripe",
];

let formats: ReadonlyMap<string, Format>;
beforeAll(async () => {
  formats = new Map((await signedFormats()).map((format) => [format.name, format]));
});

const spell = (value: unknown) => canonicalText(value as Json);

/** Members that a reader drops from a record before it hashes or stores anything. */
const PASSED_OVER = ["__proto__", "prototype", "constructor"];
const withoutPassedOver = (name: string, value: unknown) => (PASSED_OVER.includes(name) ? undefined : value);

it("has all the formats there are", () => {
  expect([...formats.keys()]).toEqual(NAMES);
});

/** Returns the value that the reader accepts, as text; undefined if it refuses with one of its declared errors. */
async function believed({ read, refusals }: Format, bytes: Uint8Array<ArrayBuffer>) {
  try {
    return fromUtf8(await read(bytes));
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

describe.for(NAMES)("%s", (name) => {
  it("is believed as it was made", async () => {
    const format = formats.get(name) as Format;
    expect(await believed(format, format.bytes)).toBeDefined();
  });

  it("is refused after any accident, in any other spelling, and with any other member", async () => {
    const format = formats.get(name) as Format;
    const whole = spell(JSON.parse(fromUtf8(format.bytes)));
    await fc.assert(
      fc.asyncProperty(spoiled(format.bytes, spell), async (bytes) => {
        const text = await believed(format, bytes);
        if (text === undefined) return;
        // Other bytes with the same value are accepted, unless the bytes themselves are hashed or stored.
        expect(format.exact, "other bytes are believed").not.toBe(true);
        expect(text).toBe(whole);
        expect(spell(JSON.parse(fromUtf8(bytes), withoutPassedOver))).toBe(whole);
      }),
      { numRuns: runs(100) },
    );
  });

  it("is not what anything else is, and refuses it as it says", async () => {
    const format = formats.get(name) as Format;
    await fc.assert(
      fc.asyncProperty(RUBBISH, async (bytes) => {
        expect(await believed(format, bytes)).toBeUndefined();
      }),
    );
  });
});
