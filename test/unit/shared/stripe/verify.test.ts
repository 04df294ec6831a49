import * as fc from "fast-check";
import { Stripe } from "stripe";
import { describe, expect, it, vi } from "vitest";
import { StripeRefusal } from "../../../../shared/stripe/refusal.ts";
import { signStripeBody } from "../../../../cli/local/stripe/synthetic.ts";
import { accountOf, snapshotType } from "../../../../shared/stripe/thin.ts";
import { verifyStripeEvent, type Delivered } from "../../../../shared/stripe/verify.ts";
import { deliver, delivered, PURCHASE, SECRET, SIGNED_AT } from "./events.ts";
import { runs } from "../../../support/assertions/fast-check.ts";
import { CHARACTER } from "../../../support/assertions/character.ts";

const BODY = JSON.stringify(PURCHASE);
const V1 = /v1=([0-9a-f]{64})/;

const sign = (body = BODY, secret = SECRET, time = SIGNED_AT) => signStripeBody(body, secret, time);

describe("verifyStripeEvent", () => {
  it("hands back the event of an authentic delivery", async () => {
    await expect(deliver(BODY)).resolves.toEqual(PURCHASE);
  });

  it("refuses a header that can be read in no way or in several", async () => {
    const good = sign();
    const signature = V1.exec(good)?.[1] ?? "";
    const bad = [
      "nonsense",
      `v1=${signature}`,
      `t=${SIGNED_AT}`,
      `t=,v1=${signature}`,
      `t=-1,v1=${signature}`,
      `t=${SIGNED_AT}.5,v1=${signature}`,
      `t=0x6a6f,v1=${signature}`,
      `t=0${SIGNED_AT},v1=${signature}`,
      `t=+${SIGNED_AT},v1=${signature}`,
      good + `,v1=${signature}`.repeat(5),
      `t=${SIGNED_AT},v1=`,
      `t=${SIGNED_AT},v1`,
      `t=${SIGNED_AT},v1=${signature.toUpperCase()}`,
      `t=${SIGNED_AT},v1=${"é".repeat(64)}`,
      `t=1,${good}`,
      `${good},t=${SIGNED_AT}`,
      `${good},v1=00`,
    ];
    for (const header of bad)
      await expect(deliver(BODY, { header })).rejects.toMatchObject({
        reason: "malformed_signature",
      });
  });

  it("refuses a huge header before it computes anything [T4]", async () => {
    const header = `${sign()}${`,v1=${"0".repeat(64)}`.repeat(10_000)}`;
    await expect(deliver(BODY, { header })).rejects.toMatchObject({ reason: "malformed_signature" });
  });

  it.each([
    [0, "accepted"],
    [300, "accepted"],
    [301, "stale_timestamp"],
    [86_400, "stale_timestamp"],
    [-300, "accepted"],
    [-301, "future_timestamp"],
    [-86_400, "future_timestamp"],
  ])("judges a signature that is %i seconds old: %s", async (age, verdict) => {
    const outcome = await deliver(BODY, { now: (SIGNED_AT + age) * 1000 }).then(
      () => "accepted",
      (error: StripeRefusal) => error.reason,
    );
    expect(outcome).toBe(verdict);
  });

  it("tells thin events from the others, in either form", async () => {
    const thin = {
      id: "evt_test_thin",
      object: "v2.core.event",
      type: "v1.charge.refunded",
      livemode: false,
      related_object: { id: "ch_1", type: "charge", url: "/v1/charges/ch_1" },
    };
    for (const body of [thin, { ...thin, type: "v2.core.account.updated" }, { ...thin, object: "event" }])
      await expect(delivered(JSON.stringify(body))).resolves.toMatchObject({
        kind: "thin",
        event: { id: "evt_test_thin" },
      });
  });

  it("looks at the body only after its signature is verified", async () => {
    const header = sign(BODY, "whsec_unknown");
    for (const body of ['{"object":"v2.core.event"}', "not json", "null", "{"])
      await expect(deliver(body, { header })).rejects.toMatchObject({ reason: "bad_signature" });
  });

  it("refuses a signed body that is not JSON", async () => {
    for (const body of ["", "{", "hello", "{'a':1}", `${BODY}x`])
      await expect(deliver(body)).rejects.toMatchObject({ reason: "not_json" });
  });

  it("refuses signed JSON that is not an event", async () => {
    for (const body of [
      "null",
      "1",
      '"event"',
      "[]",
      "{}",
      '{"object":"charge"}',
      '{"object":{"object":"event"}}',
    ])
      await expect(deliver(body)).rejects.toMatchObject({ reason: "unreadable_event" });
  });

  it("lets nothing through when no secret is configured, or a blank one [T1]", async () => {
    for (const secrets of [[], [""], [" "], [SECRET, "\n"]])
      await expect(
        verifyStripeEvent({
          rawBody: BODY,
          signatureHeader: sign(BODY, SECRET),
          secrets,
          now: SIGNED_AT * 1000,
        }),
      ).rejects.toThrow(TypeError);
  });

  it("lets nothing through when the platform can't compute an HMAC", async () => {
    const failure = new Error("no HMAC today");
    vi.spyOn(crypto.subtle, "verify").mockRejectedValue(failure);
    await expect(deliver(BODY)).rejects.toBe(failure);
  });

  it("tells no secret and nothing of the body, and keeps no cause that would [T29 T67]", async () => {
    const body = JSON.stringify({ object: "v2.core.event", note: "buyer@example.com" });
    const refused = [
      () => deliver(body),
      () => deliver("buyer@example.com"),
      () => deliver('{"object":"buyer@example.com"}'),
      () => deliver(BODY, { header: sign(BODY, "whsec_unknown") }),
      () => deliver(BODY, { header: "buyer@example.com" }),
      () => deliver(BODY, { now: 0 }),
    ];
    for (const refusedDelivery of refused) {
      const error: unknown = await refusedDelivery().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StripeRefusal);
      const told = `${String(error)} ${JSON.stringify(error)}`;
      for (const secret of ["whsec_test", "whsec_unknown", "buyer@", "evt_", "cs_test"])
        expect(told).not.toContain(secret);
      expect((error as Error).cause).toBeUndefined();
    }
  });

  it("answers any header with a refusal, never with another error and never with an event [T1]", async () => {
    const piece = fc.oneof(
      fc.constantFrom(`t=${SIGNED_AT}`, "v1=", "v0=", ",", "=", "0".repeat(64)),
      fc.string({ unit: CHARACTER, maxLength: 20 }),
    );
    const header = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(header, async (header) => {
        await expect(deliver(BODY, { header })).rejects.toBeInstanceOf(StripeRefusal);
      }),
      { numRuns: runs(200) },
    );
  });

  it("reads any signed body as an event with its object, as a thin one, or refuses it", async () => {
    const type = fc.oneof(
      fc.constantFrom("v1.charge.refunded", "v2.core.event_destination.ping"),
      fc.string(),
    );
    const member = fc.oneof(fc.string({ unit: CHARACTER, maxLength: 20 }), fc.jsonValue());
    const body = fc.record(
      {
        id: fc.oneof(fc.constant("evt_1"), member),
        object: fc.constantFrom("event", "v2.core.event", "charge"),
        type: fc.oneof(type, member),
        livemode: fc.oneof(fc.boolean(), member),
        context: fc.oneof(fc.constantFrom("acct_1", "org_1/acct_1", "/"), member),
        snapshot_event: member,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, async (event) => {
        const outcome = await delivered(JSON.stringify(event)).catch((error: unknown) => error);
        if (outcome instanceof StripeRefusal) return;
        const { kind, event: read } = outcome as Delivered;
        expect(kind === "thin").toBe(
          event.object === "v2.core.event" || (typeof event.type === "string" && /^v[12]\./.test(event.type)),
        );
        if (kind === "snapshot") return;
        expect(snapshotType(read)).toBe(read.type.replace(/^v1\./, ""));
        expect(accountOf(read) ?? "acct_").toMatch(/^acct_[^/]*$/);
      }),
      { numRuns: runs(200) },
    );
  });
});

/** Deliveries that Stripe's own library accepts and VDC refuses, with the reason. */
const STRICTER: Readonly<Record<string, (header: string, age: number) => boolean>> = {
  "a time ahead of our clock would let a delivery be kept for later": (_, age) => age < -300,
  "of several times it takes the last one, and another reader may take the first": (header) =>
    valuesOf(header, "t").length !== 1,
  "it reads a time as far as there are digits": (header) =>
    !valuesOf(header, "t").every((time) => /^(?:0|[1-9]\d{0,11})$/.test(time)),
  "beside a good signature it passes over one that is none": (header) =>
    !valuesOf(header, "v1").every((signature) => /^[0-9a-f]{64}$/.test(signature)),
  "each signature costs an HMAC over the body": (header) => valuesOf(header, "v1").length > 5,
};

function valuesOf(header: string, scheme: string): string[] {
  const items = header.split(",").map((item) => item.split("="));
  return items.flatMap(([name, value = ""]) => (name === scheme ? [value] : []));
}

function sdkAccepts(body: string, header: string, now: number): Promise<boolean> {
  return Stripe.webhooks.constructEventAsync(body, header, SECRET, 300, undefined, now).then(
    () => true,
    () => false,
  );
}

describe("Stripe's own library as an oracle", () => {
  const good = (time: number | string) => `v1=${V1.exec(signStripeBody(BODY, SECRET, Number(time)))?.[1]}`;
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(`t=${SIGNED_AT}`, good(SIGNED_AT)) },
    fc.constantFrom(
      `v0=${"0".repeat(64)}`,
      `v1=${"0".repeat(64)}`,
      good(SIGNED_AT - 1),
      good(SIGNED_AT).toUpperCase().replace("V", "v"),
      `${good(SIGNED_AT)}=`,
      `${good(SIGNED_AT)}00`,
      ` ${good(SIGNED_AT)}`,
      `t=${SIGNED_AT - 1}`,
      `t=0${SIGNED_AT}`,
      `t=${SIGNED_AT}s`,
      "t=",
      "v1",
      "",
    ),
    fc.string({ unit: CHARACTER, maxLength: 8 }),
  );
  const header = fc.oneof(
    fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(",")),
    fc.constant(signStripeBody(BODY, SECRET, SIGNED_AT)),
  );
  const body = fc.oneof({ weight: 4, arbitrary: fc.constant(BODY) }, fc.constantFrom("", `${BODY} `, "{}"));
  const age = fc.oneof(fc.constantFrom(0, 300, 301, -300, -301), fc.integer({ min: -1_000, max: 1_000 }));

  it("accepts what is accepted here, and nothing else but what is refused for a reason of ours", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(body, header, age, async (rawBody, given, age) => {
        const now = (SIGNED_AT + age) * 1_000;
        const ours = await deliver(rawBody, { header: given, now }).then(
          () => true,
          () => false,
        );
        const reasons = Object.keys(STRICTER).filter((reason) => STRICTER[reason]?.(given, age));
        const theirs = await sdkAccepts(rawBody, given, now);
        expect(ours).toBe(theirs && reasons.length === 0);
        seen.add(ours ? "accepted" : theirs ? "stricter" : "refused");
      }),
      { numRuns: runs(200) },
    );
    expect([...seen].toSorted()).toEqual(["accepted", "refused", "stricter"]);
  });

  it("accepts a header of ours for any body and secret", async () => {
    const text = fc.string({ unit: CHARACTER, minLength: 1, maxLength: 50 });
    const secret = text.filter((secret) => secret.trim() !== "");
    await fc.assert(
      fc.asyncProperty(text, secret, async (note, secret) => {
        const rawBody = JSON.stringify({ ...PURCHASE, note });
        const signatureHeader = signStripeBody(rawBody, secret, SIGNED_AT);
        const now = SIGNED_AT * 1_000;
        await Stripe.webhooks.constructEventAsync(rawBody, signatureHeader, secret, 300, undefined, now);
        await expect(
          verifyStripeEvent({ rawBody, signatureHeader, secrets: [secret], now }),
        ).resolves.toMatchObject({ kind: "snapshot" });
      }),
      { numRuns: runs(100) },
    );
  });
});
