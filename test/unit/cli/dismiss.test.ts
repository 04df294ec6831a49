import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { calls, deployment, vdc } from "./in-process.ts";

const ID = "0123456789abcdef0123456789abcdef";
const PATH = "/api/dead-letters/dismissals";
const ITEM = {
  id: ID,
  stage: "miner",
  reason: "unknown_key",
  txId: null,
  blockNumber: 41,
  action: "dismiss",
  detail: "",
};
const PLAN = {
  dryRun: true,
  asOf: 1234,
  total: 3,
  wouldDismiss: 2,
  wouldSkip: 1,
  more: false,
  items: [ITEM],
};
const planning = { body: PLAN };
const BY_FILTER = ["dead-letters", "dismiss", "--stage", "miner", "--older-than", "2h", "--reason", "r"];
const FILTER = { filter: { stage: "miner", minAgeSeconds: 7_200 } };

const done = (dismissed: number, more: boolean) => ({ body: { dryRun: false, dismissed, more } });

describe("vdc dead-letters dismiss", () => {
  it("dismisses one that is named at once, as one call", async () => {
    const path = `/api/dead-letters/${ID}/dismiss`;
    const entry = { ...ITEM, state: "dismissed", failures: [], dismissed: null };
    const stack = await deployment({ [`POST ${path}`]: { body: entry } });
    const { code, stdout } = await vdc(stack, "dead-letters", "dismiss", ID, "--reason", "r", "--json");
    expect({ code, entry: JSON.parse(stdout) }).toEqual({ code: 0, entry });
    expect(calls(stack)).toEqual([`POST ${path}`]);
  });

  it("says with a filter and --dry-run what would be dismissed, and does nothing", async () => {
    const stack = await deployment({ [`POST ${PATH}`]: planning });
    const { code, stdout } = await vdc(stack, ...BY_FILTER, "--dry-run");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("2 would be dismissed, 1 skipped"),
    });
    expect(stack.asked.map(({ body }) => JSON.parse(body))).toEqual([
      { select: FILTER, reason: "r", dryRun: true },
    ]);
  });

  it("dismisses what was shown and no more, call by call, and says how many", async () => {
    const stack = await deployment({ [`POST ${PATH}`]: [planning, done(500, true), done(2, false)] });
    const { code, stdout } = await vdc(stack, ...BY_FILTER, "--yes", "--json");
    expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 0, document: { dismissed: 502 } });
    const request = { select: FILTER, reason: "r", asOf: 1234 };
    expect(stack.asked.slice(1).map(({ body }) => JSON.parse(body))).toEqual([request, request]);
  });

  it("asks before it dismisses more than one, and does nothing where nobody can be asked", async () => {
    const stack = await deployment({ [`POST ${PATH}`]: planning });
    expect((await vdc(stack, ...BY_FILTER)).code).toBe(EXIT.usage);
    expect(stack.asked).toHaveLength(1);
  });

  it("does nothing when nothing fits", async () => {
    const stack = await deployment({
      [`POST ${PATH}`]: { body: { ...PLAN, total: 0, wouldDismiss: 0, items: [] } },
    });
    const { code, stderr } = await vdc(stack, ...BY_FILTER);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining("nothing is to be dismissed"),
    });
    expect(stack.asked).toHaveLength(1);
  });

  it("refuses two ways of naming them, and none", async () => {
    const stack = await deployment({});
    for (const args of [[], [ID, "--all"], ["--all", "--stage", "miner"]])
      expect((await vdc(stack, "dead-letters", "dismiss", ...args, "--reason", "r")).code).toBe(EXIT.usage);
    expect(stack.asked).toEqual([]);
  });
});
