import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { canonicalText } from "../../../../shared/crypto/canonical.ts";
import { Reason } from "../../../../shared/api/reason.ts";

describe("a reason", () => {
  it("can be put on record, though JSON may hold half a sign", () => {
    const reason = v.parse(Reason, " half a \ud83d sign ");
    expect(reason).toBe("half a \ufffd sign");
    expect(() => canonicalText(reason)).not.toThrow();
  });
});
