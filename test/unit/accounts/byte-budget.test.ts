import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../../workers/accounts/byte-budget.ts";

const MINUTE = 60_000;

describe("the memory of an isolate", () => {
  it("is lent as long as there is enough of it, and again once it is given back", () => {
    const budget = new ByteBudget(100, MINUTE, () => 0);
    const giveBack = budget.take(60);
    expect(giveBack).toBeDefined();
    expect(budget.take(41)).toBeUndefined();
    expect(budget.take(40)).toBeDefined();
    giveBack?.();
    expect(budget.take(60)).toBeDefined();
  });

  it("is given back once, however often somebody says so", () => {
    const budget = new ByteBudget(100, MINUTE, () => 0);
    const giveBack = budget.take(60);
    giveBack?.();
    budget.take(60);
    giveBack?.();
    expect(budget.take(60)).toBeUndefined();
  });

  it("comes back from a request that was ended before it could give anything back", () => {
    let now = 1_000;
    const budget = new ByteBudget(100, MINUTE, () => now);
    budget.take(100);
    now += MINUTE - 1;
    expect(budget.take(1)).toBeUndefined();
    now += 1;
    expect(budget.take(100)).toBeDefined();
    expect(budget.take(1)).toBeUndefined();
  });
});
