import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALL, LedgerOnlooker, type Action, type Step } from "./ledger-onlooker.ts";
import { runs } from "../../../support/assertions/fast-check.ts";

/** Few assets and users, so that most actions break a rule. */
const name = fc.constantFrom("ann", "bob", "cyd");
const assetId = fc.constantFrom("deed", "will", "lease");
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), assetId, signer: fc.option(name) }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("transfer" as const), assetId, from: name, to: name }),
  },
  fc.record({ kind: fc.constant("register" as const), user: name, signer: name }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("admit" as const), action }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("reserve" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("judge" as const), which: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("seal" as const),
      which: fc.nat(3),
      attempt: fc.constantFrom("a", "b"),
    }),
  },
  fc.record({ do: fc.constant("readmit" as const) }),
);

describe("the chain head, with blocks admitted, judged, sealed, lost and replayed in any order,", () => {
  it("keeps the ledger that the whole chain gives, and so does a rebuilt chain head", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const run = new LedgerOnlooker();
        for (const one of steps) {
          run.do(one);
          run.check();
        }
        const { asOf, ...entries } = run.head.ledger(ALL);
        expect(run.restored().ledger(ALL)).toEqual({ asOf, ...entries });
      }),
      { numRuns: runs(50) },
    );
  });
});
