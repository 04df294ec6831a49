import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { Permanent } from "../../../../shared/runtime/errors.ts";
import { reasonText } from "../../../../shared/schema/reason-text.ts";

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe("the reason of a failure", () => {
  it.for<[unknown, string]>([
    [thrownBy(() => JSON.parse('{"a":')), "what was read is not JSON"],
    [
      thrownBy(() => v.parse(v.strictObject({ a: v.string() }), { b: 1 })),
      "a: it is missing; b: it does not belong here",
    ],
    [new TypeError("fetch failed"), "the connection failed"],
    [
      new DOMException("The operation was aborted due to timeout", "TimeoutError"),
      "there was no answer in time",
    ],
    [new Error("D1_ERROR: SQLITE_FULL"), "the database of a Durable Object failed"],
    [new Error("KV GET failed: 500 Internal Server Error"), "KV failed"],
    [new Error("put: We encountered an internal error. Please try again. (10001)"), "R2 failed"],
    [new Error("Network connection lost."), "a part of Cloudflare broke off the call"],
    [
      new TypeError("Cannot read properties of undefined (reading 'x')"),
      expect.stringContaining("its log has"),
    ],
  ])("is in our words when a library or the platform fails: %s", ([error, words]) => {
    expect(reasonText(error)).toEqual(words);
  });

  it("is an error's own text when it is ours, without its class", () => {
    expect(reasonText(new Error("block 3 is not sealed yet"))).toBe("block 3 is not sealed yet");
    expect(reasonText(new Permanent("missing", "pending/x is not in R2"))).toBe("pending/x is not in R2");
    expect(reasonText(new Error("it failed", { cause: new TypeError("x is not a function") }))).toBe(
      "it failed",
    );
    expect(reasonText("for ann@example.com")).toBe("for [e-mail]");
  });
});
