import { describe, expect, it } from "vitest";
import { Orders, type Order } from "./orders.ts";
import { Random } from "./random.ts";
import { planRestarts } from "./restarts.ts";
import { Submitters } from "./submitters.ts";

async function orders(seed: number, count: number): Promise<readonly Order[]> {
  const made = new Orders(new Random(seed), new Submitters(), `soak-${seed}`, 1_700_000_000);
  const list: Order[] = [];
  while (list.length < count) list.push(await made.next());
  return list;
}

const events = (list: readonly Order[]) =>
  list.flatMap(({ waves }) =>
    waves.flat().flatMap(({ body }) => (body.kind === "event" ? [body.event] : [])),
  );

describe("what a soak sends", () => {
  it("is decided by the seed", async () => {
    expect(events(await orders(7, 400))).toEqual(events(await orders(7, 400)));
    expect(events(await orders(7, 40))).not.toEqual(events(await orders(8, 40)));
  });

  it("is everything that comes from outside, with its repeats", async () => {
    const list = await orders(1, 2_000);
    const expected = new Map(list.flatMap(({ expects }) => [...expects]));
    const types = new Set([...expected.values()].map(({ type }) => type));
    expect([...types].toSorted()).toEqual([
      "asset_creation",
      "payment",
      "refund",
      "refund_failure",
      "user_registration",
    ]);
    const kinds = new Set(events(list).map(({ type }) => type));
    expect([...kinds].toSorted()).toEqual([
      "charge.refund.updated",
      "charge.refunded",
      "checkout.session.async_payment_succeeded",
      "checkout.session.completed",
      "refund.created",
      "refund.failed",
    ]);
    const posts = list.flatMap(({ waves }) => waves.flat());
    expect(posts.length).toBeGreaterThan(expected.size * 1.2);
    expect(posts.filter(({ txId }) => txId === null).length).toBeGreaterThan(50); // not paid yet
    for (const { txId } of posts) if (txId !== null) expect(expected.has(txId), txId).toBe(true);
    const claims = [...expected.values()].flatMap(({ assetId }) => assetId ?? []);
    expect(claims.length).toBeGreaterThan(new Set(claims).size); // some users want the same asset
  });
});

describe("when a soak restarts the stack", () => {
  it("is spread over the run, in order, every kind in turn", () => {
    for (let seed = 0; seed < 50; seed++) {
      const planned = planRestarts(new Random(seed), 6, 1_000);
      const moments = planned.map(({ at }) => at);
      expect(moments).toEqual(moments.toSorted((a, b) => a - b));
      expect(moments.every((at) => at >= 1 && at < 1_000)).toBe(true);
      expect(planned.map(({ restart }) => restart.how)).toEqual([
        "kill",
        "stop",
        "kill-admitted",
        "kill",
        "stop",
        "kill-admitted",
      ]);
    }
  });

  it("may be never", () => {
    expect(planRestarts(new Random(1), 0, 1_000)).toEqual([]);
  });
});
