import { describe, expect, it } from "vitest";
import { ByteBudget } from "../../../../workers/accounts/documents/byte-budget.ts";

const MINUTE = 60_000;

describe("the memory of an isolate", () => {
  it("is lent as long as there is enough of it, and again once it is given back", () => {
    const budget = new ByteBudget(100, MINUTE, () => 0);
    const [one, two] = [budget.loan(), budget.loan()];
    expect(one.extendTo(60)).toBe(true);
    expect(two.extendTo(41)).toBe(false);
    expect(two.extendTo(40)).toBe(true);
    one.end();
    expect(two.extendTo(100)).toBe(true);
  });

  it("is lent as bytes arrive: a request that has sent nothing holds nothing", () => {
    const budget = new ByteBudget(100, MINUTE, () => 0);
    budget.loan();
    const other = budget.loan();
    expect(other.extendTo(30)).toBe(true);
    expect(other.extendTo(100)).toBe(true);
  });

  it("stays lent as it was when a loan can't grow", () => {
    const budget = new ByteBudget(100, MINUTE, () => 0);
    const [one, two] = [budget.loan(), budget.loan()];
    one.extendTo(60);
    two.extendTo(30);
    expect(two.extendTo(50)).toBe(false);
    expect(one.extendTo(70)).toBe(true);
    expect(one.extendTo(71)).toBe(false);
  });

  it("comes back from a request that was ended before it could give anything back [T8]", () => {
    let now = 1_000;
    const budget = new ByteBudget(100, MINUTE, () => now);
    budget.loan().extendTo(100);
    now += MINUTE - 1;
    expect(budget.loan().extendTo(1)).toBe(false);
    now += 1;
    const next = budget.loan();
    expect(next.extendTo(100)).toBe(true);
    expect(budget.loan().extendTo(1)).toBe(false);
  });
});
