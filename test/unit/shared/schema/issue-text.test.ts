import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { Block, InvalidBlock, readBlock } from "../../../../shared/chain/block.ts";
import { Submission } from "../../../../shared/chain/submission.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { issuesText, issueText } from "../../../../shared/schema/issue-text.ts";

const Thing = v.strictObject({
  name: v.string(),
  count: v.pipe(v.number(), v.minValue(1)),
  kind: v.picklist(["a", "b"]),
  note: v.nullable(v.string()),
  id: v.pipe(v.string(), v.regex(/^x/, "expected an x first")),
});
const SOUND = { name: "n", count: 1, kind: "a", note: null, id: "x" };

function textFor(value: unknown): string {
  const parsed = v.safeParse(Thing, value);
  if (parsed.success) throw new Error("it is sound");
  return issueText(parsed.issues[0], "the thing");
}

describe("what is wrong with a value", () => {
  it.for([
    [{ ...SOUND, extra: "a secret" }, "extra: it does not belong here"],
    [{ ...SOUND, name: undefined }, "name: it is missing"],
    [{ ...SOUND, name: 7 }, "name: expected a text"],
    [{ ...SOUND, count: 0 }, "count: expected at least 1"],
    [{ ...SOUND, kind: "a secret" }, 'kind: expected "a" or "b"'],
    [{ ...SOUND, note: 7 }, "note: expected a text"],
    [{ ...SOUND, id: "a secret" }, "id: expected an x first"],
    ["a secret", "the thing: expected an object"],
  ] as const)("is said in our words, without the value: %s", ([value, text]) => {
    expect(textFor(value)).toBe(text);
  });

  it.for([
    ["a submission", Submission],
    ["a block", Block],
  ] as const)("of %s never holds the library's words", ([, schema]) => {
    for (const value of [null, [], {}, { data: 1 }, { type: 1, extra: 1 }, { transactions: [{}] }]) {
      const parsed = v.safeParse(schema, value);
      if (parsed.success) throw new Error("it is sound");
      expect(issuesText(parsed.issues, "it")).not.toMatch(/Invalid|Expected|[Rr]eceived|never|undefined/);
    }
  });

  it.for(["not JSON", "{}", '{"a":1}', '{ "a":1}', "\u0000"])(
    "of bytes that are no block is ours, too: %s",
    (text) => {
      const refused = (() => {
        try {
          return readBlock(utf8(text));
        } catch (error) {
          return error;
        }
      })();
      expect(refused).toBeInstanceOf(InvalidBlock);
      expect((refused as Error).message).not.toMatch(/Unexpected|Invalid|Expected|[Rr]eceived|never/);
    },
  );
});
