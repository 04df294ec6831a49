import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readRequest } from "../../../cli/local/tsa/token.ts";
import { readIssuers } from "../../../shared/timestamp/certificate.ts";
import { readDer, TAG, tlv } from "../../../shared/timestamp/der.ts";
import { InvalidTimestamp, TIMESTAMP_FAULTS } from "../../../shared/timestamp/invalid-timestamp.ts";
import { NONCE_BYTES, timestampRequest } from "../../../shared/timestamp/request.ts";
import { damaged, RUBBISH } from "../../support/assertions/mutations.ts";
import { DATA, newStamp, type Stamped, verdictOn } from "../../support/timestamps/stamps.ts";

const number = (bytes: Iterable<number>) => BigInt(`0x${Buffer.from([...bytes]).toString("hex")}`);

let stamp: Stamped;
beforeAll(async () => {
  stamp = await newStamp();
});

/** Well-formed DER that means nothing. */
const DER = fc.letrec<{ der: Uint8Array<ArrayBuffer> }>((tie) => ({
  der: fc.oneof(
    { maxDepth: 5 },
    fc
      .tuple(fc.constantFrom(...Object.values(TAG)), fc.uint8Array({ maxLength: 12 }))
      .map(([tag, content]) => tlv(tag & ~0x20, content)),
    fc
      .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa1), fc.array(tie("der"), { maxLength: 5 }))
      .map(([tag, parts]) => tlv(tag, ...parts)),
  ),
})).der;

describe("a time stamp", () => {
  it("is refused with a reason of the list, whatever its bytes are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(RUBBISH, DER), async (response) => {
        expect(TIMESTAMP_FAULTS).toContain(await verdictOn({ response, issuers: stamp.issuers }));
      }),
    );
  });

  it("is refused with a reason of the list after any accident", async () => {
    await fc.assert(
      fc.asyncProperty(damaged(stamp.response), async (response) => {
        fc.pre(Buffer.compare(response, stamp.response.with(8, 1)) !== 0); // "granted, with changes" is no lie
        expect(TIMESTAMP_FAULTS).toContain(await verdictOn({ response, issuers: stamp.issuers }));
      }),
    );
  });

  it("nests no deeper than its reader goes", () => {
    const deep = Uint8Array.from({ length: 60_000 }, (_, i) => (i % 2 === 0 ? 0x30 : 0x80));
    expect(() => readDer(deep)).toThrow(InvalidTimestamp);
  });
});

describe("DER", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (content) => {
        const { tag, content: read, children } = readDer(tlv(TAG.octetString, content));
        expect([tag, Buffer.compare(read, content), children]).toEqual([TAG.octetString, 0, []]);
      }),
    );
  });
});

describe("a request", () => {
  it("holds the nonce as a number without a sign", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES }), (nonce) => {
        const read = readRequest(timestampRequest(DATA, nonce)).nonce ?? [];
        expect(read[0]).toBeLessThan(0x80);
        expect(number(read)).toBe(number(nonce));
      }),
    );
  });
});

describe("pinned certificates", () => {
  it("are refused as a wrong setting, whatever the text is", () => {
    const texts = fc.oneof(
      fc.string(),
      fc
        .base64String({ maxLength: 200 })
        .map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(() => readIssuers(text)).toThrow(TypeError);
      }),
    );
  });
});
