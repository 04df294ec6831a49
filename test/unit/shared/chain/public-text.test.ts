import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { personalMember, traitOf } from "../../../../shared/chain/public-text.ts";
import { AssetId } from "../../../../shared/chain/transaction.ts";
import { runs } from "../../../support/assertions/fast-check.ts";

const SALT = "A".repeat(43);
const created = (data: { assetId: string; documentType?: string }, part?: Record<string, unknown>) =>
  personalMember({ data, private: part && { salt: SALT, part } });

/** Test numbers that the card networks publish, one of each kind and length. */
const CARDS = [
  "4242424242424242", // Visa
  "4222222222222", // Visa of 13 digits
  "5555555555554444", // Mastercard
  "2223003122003222", // Mastercard, the newer range
  "378282246310005", // American Express
  "30569309025904", // Diners Club
  "6011111111111117", // Discover
  "3530111333300000", // JCB
  "6205500000000000004", // UnionPay of 19 digits
];

const HEX = fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16));
const separator = fc.constantFrom("", ".", "_", ":", "-");
const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length });

/** Appends the digit that makes a card number. Exactly one of the ten does, so the test needs no rule of its own. */
function withCheckDigit(rest: string): string {
  const found = Array.from({ length: 10 }, (_, digit) => `${rest}${digit}`).filter(
    (number) => traitOf(number) === "card-number",
  );
  expect(found, rest).toHaveLength(1);
  return found[0] ?? "";
}

describe("a card's number in a public text", () => {
  it.for(CARDS)("%s is found, alone and in an id [T5]", (card) => {
    for (const text of [card, `deed-${card}`, `deed${card}`, `${card}-1`, `a:${card}:7`, `17-${card}`])
      expect(traitOf(text), text).toBe("card-number");
  });

  it("is found however its digits are grouped, and behind other digits", () => {
    const grouped = fc
      .tuple(fc.constantFrom(...CARDS), fc.array(separator, { minLength: 19, maxLength: 19 }))
      .map(([card, between]) =>
        Array.from(card)
          .map((digit, i) => digit + (between[i] ?? ""))
          .join(""),
      );
    fc.assert(
      fc.property(grouped, fc.constantFrom("", "deed-", "deed.17_", "x:9-"), (card, before) => {
        expect(traitOf(`${before}${card.replace(/[._:-]$/, "")}`)).toBe("card-number");
      }),
    );
  });

  it("has 13 to 19 digits, and one check digit of ten", () => {
    const rest = fc.integer({ min: 12, max: 18 }).chain((length) => digits(length - 1));
    fc.assert(
      fc.property(rest, (some) => {
        const card = withCheckDigit(`4${some.join("")}`);
        expect(traitOf(card.slice(0, 12))).toBeUndefined();
        expect(traitOf(`${card}${"0".repeat(20)}`), "one long number is no card's").toBeUndefined();
      }),
    );
  });

  it("is not found where two digits that differ have changed places", () => {
    const swapped = fc
      .tuple(fc.constantFrom(...CARDS), fc.nat(17))
      .map(([card, at]) => ({ card, at: at % (card.length - 1) }))
      .filter(({ card, at }) => {
        const pair = card.slice(at, at + 2);
        return pair[0] !== pair[1] && pair !== "09" && pair !== "90"; // the one swap that Luhn can't detect
      })
      .filter(({ at }) => at > 1) // after the issuer's digits
      .map(({ card, at }) => card.slice(0, at) + card[at + 1] + card[at] + card.slice(at + 2));
    fc.assert(
      fc.property(swapped, (number) => {
        expect(traitOf(number)).toBeUndefined();
      }),
    );
  });
});

describe("an ordinary id", () => {
  const day = fc.date({
    min: new Date("1950-01-01"),
    max: new Date("2199-12-31"),
    noInvalidDate: true,
  });
  const ORDINARY: Readonly<Record<string, fc.Arbitrary<string>>> = {
    "a UUID": fc.uuid().filter((id) => /[a-f]/.test(id)),
    "a UUID behind a word": fc.uuid({ version: 4 }).map((id) => `deed:${id.toUpperCase()}`),
    "a SHA-256": fc.array(HEX, { minLength: 64, maxLength: 64 }).map((d) => `a${d.slice(1).join("")}`),
    "a transaction's id": fc.array(HEX, { minLength: 39, maxLength: 39 }).map((d) => `vdc_tx_${d.join("")}e`),
    "a number of up to 12 digits": fc.integer({ min: 1, max: 999_999_999_999 }).map((n) => `deed-${n}`),
    "a date and a time": day.map((date) => `will-${date.toISOString().replace(/[TZ]/g, "-").slice(0, -1)}`),
    "a date and a number": fc
      .tuple(day, fc.nat(99_999))
      .map(([date, n]) => `${date.toISOString().slice(0, 10)}-${n}`),
    "a time in milliseconds": fc
      .integer({ min: 1_000_000_000_000, max: 1_999_999_999_999 })
      .map((time) => `deed-${time}`),
    "an ISBN or another book number": fc
      .tuple(fc.constantFrom("978", "979"), fc.integer({ min: 0, max: 9_999_999_999 }))
      .map(([prefix, n]) => `isbn:${prefix}-${String(n).padStart(10, "0")}`),
  };

  it.for(Object.entries(ORDINARY))("is public: %s", ([, ids]) => {
    fc.assert(
      fc.property(ids, (id) => {
        expect(traitOf(id)).toBeUndefined();
      }),
      { numRuns: runs(1_000) },
    );
  });

  it.for([
    "deed-17",
    "will-1",
    "price_list",
    "plan_b",
    "in_kind",
    "check-in_17",
    "card-index.4",
    "re_zoning",
    "x",
  ])("is public: %s", (id) => expect(created({ assetId: id })).toBeUndefined());
});

describe("an id of Stripe", () => {
  it.for([
    "cus_1",
    "cus_Qx7personal42",
    "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "deed-cus_NffrFeUfNV2Hib",
    "a:cs_test_a1b2c3d4e5f6",
  ])("%s is found", (id) =>
    expect(created({ assetId: id })).toEqual({ member: "data.assetId", trait: "stripe-id" }),
  );
});

describe("a text that the private part holds", () => {
  it("can't be said in public too, in another case or with other characters between [T5]", () => {
    const part = { buyer: { names: ["Augusta Ada King-Noel"] }, phone: 442079460958, flat: "4b", ok: true };
    for (const assetId of ["augusta.ada.king-noel", "deed-AugustaAdaKingNoel-2", "tel:442079460958", "4B"])
      expect(created({ assetId }, part), assetId).toEqual({ member: "data.assetId", trait: "private-part" });
    expect(created({ assetId: "deed-17", documentType: "4b" }, part)).toEqual({
      member: "data.documentType",
      trait: "private-part",
    });
    for (const assetId of ["deed-4b", "true", "buyer", "names", "augusta"])
      expect(created({ assetId }, part), assetId).toBeUndefined();
  });

  it("is found wherever it stands in it", () => {
    const assetIds = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,20}$/);
    fc.assert(
      fc.property(assetIds, fc.jsonValue({ maxDepth: 3 }), fc.nat(3), (assetId, other, depth) => {
        expect(v.is(AssetId, assetId)).toBe(true);
        const part = Array.from({ length: depth }).reduce<unknown>((inner) => [other, { inner }], assetId);
        expect(created({ assetId }, { part })).toMatchObject({ member: "data.assetId" });
      }),
    );
  });

  it("does not keep out what it does not hold", () => {
    expect(created({ assetId: "deed-17" }, {})).toBeUndefined();
    expect(
      created({ assetId: "deed-17" }, { note: "…", empty: "", house: "St James's Square" }),
    ).toBeUndefined();
  });
});
