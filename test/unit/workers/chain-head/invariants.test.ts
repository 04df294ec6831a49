import * as fc from "fast-check";
import { describe, it } from "vitest";
import { Onlooker, type Call } from "./chain-head-onlooker.ts";
import { runs } from "../../../support/assertions/fast-check.ts";

/** Few ids and blocks, so that repeats, races and calls at a wrong moment are frequent. */
const number = fc.integer({ min: 0, max: 24 });
const blockNumber = fc.integer({ min: 0, max: 9 });

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 3, arbitrary: record("admit", { numbers: fc.array(number, { maxLength: 5 }) }) },
  { weight: 3, arbitrary: record("setAside", { blockNumber, n: number }) },
  { weight: 2, arbitrary: record("readmit", { numbers: fc.array(number, { maxLength: 5 }) }) },
  { weight: 5, arbitrary: record("seal", { which: fc.nat(6), miner: fc.constantFrom("one", "two") }) },
  record("persisted", { blockNumber }),
  record("indexed", { blockNumber }),
  record("cleaned", { blockNumber }),
  ...(
    ["request", "request", "reserve", "reserve", "reserve", "advance", "halt", "resume", "park"] as const
  ).map((name) => record(name, {})),
);

function record<Name extends string, Fields extends object>(
  name: Name,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
): fc.Arbitrary<{ do: Name } & Fields> {
  return fc.record(fields).map((given) => ({ do: name, ...(given as Fields) }));
}

describe("the chain head, called in any order and any number of times,", () => {
  it("loses no transaction, mines none twice, skips and repeats no number, and keeps counts that agree [T64]", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60, size: "max" }), (calls) => {
        const onlooker = new Onlooker();
        for (const step of calls) {
          onlooker.do(step);
          onlooker.check();
        }
        onlooker.settle();
      }),
      { numRuns: runs(50) },
    );
  });
});
