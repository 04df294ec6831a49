import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { deployment, vdc } from "./in-process.ts";
import type { Served } from "./server.ts";

const ID = "0123456789abcdef0123456789abcdef";
const PLAN = {
  dryRun: true,
  total: 3,
  wouldReplay: 2,
  wouldFail: 0,
  wouldSkip: 1,
  more: false,
  items: [
    {
      id: ID,
      stage: "miner",
      txId: null,
      blockNumber: 41,
      action: "skip",
      detail: "already mined in block 41",
    },
  ],
};
const REPLAY = {
  id: "replay-1",
  state: "running",
  reason: "mended",
  by: "alice",
  createdAt: 1,
  endedAt: null,
  ratePerSecond: 20,
  total: 3,
  replayed: 0,
  skipped: 0,
  failed: 0,
};
const DONE = { ...REPLAY, state: "done", replayed: 2, skipped: 1, endedAt: 2 };
const PATH = "/api/dead-letters/replays";

const replay = (stack: Served, ...args: string[]) =>
  vdc(stack, "dead-letters", "replay", ID, "--reason", "r", ...args);

describe("vdc dead-letters show", () => {
  const ENTRY = {
    id: ID,
    stage: "miner",
    reason: "unknown_key",
    error: "no key 9c41",
    attempts: 1,
    firstSeen: 1,
    lastSeen: 1,
    txId: null,
    blockNumber: 4,
    replaysItself: false,
    dismissed: null,
    failures: [],
  };
  const shown = async (state: string, replaysItself = false) =>
    vdc(
      await deployment({ [`GET /api/dead-letters/${ID}`]: { body: { ...ENTRY, state, replaysItself } } }),
      "dead-letters",
      "show",
      ID,
    );

  it("says what to do about one that is open, and nothing about one that is resolved", async () => {
    const { stderr, stdout } = await shown("open");
    expect(stderr).toMatch(
      new RegExp(`problems.md.*unknown_key.*vdc dead-letters replay ${ID}.*dismiss`, "s"),
    );
    expect(stdout).not.toContain("problems.md");
    expect((await shown("resolved")).stderr).toBe("");
    expect(stdout).toMatch(/state +open$/m);
    expect((await shown("open", true)).stdout).toMatch(/state +open: VDC replays it without you/);
  });
});

describe("vdc dead-letters replay", () => {
  it("says first what would happen, then replays once, and follows it", async () => {
    const stack = await deployment({
      [`POST ${PATH}`]: [{ body: PLAN }, { status: 202, body: REPLAY }],
      [`GET ${PATH}/replay-1`]: { body: DONE },
    });
    const args = ["--stage", "miner", "--cause", "unknown_key", "--older-than", "2h", "--rate", "20"];
    const { code, stdout, stderr } = await vdc(
      stack,
      "dead-letters",
      "replay",
      ...args,
      "--reason",
      "mended",
      "--yes",
      "--json",
    );
    expect({ code, replay: JSON.parse(stdout) }).toEqual({ code: 0, replay: DONE });
    expect(stderr).toContain("already mined in block 41");
    // A replay that was sent is not done yet: a set-aside transaction must still be mined.
    expect(stderr).toMatch(/dead-letters list --state replaying.*vdc mine/s);
    const [plan, start] = stack.asked.map(({ body, headers }) => ({
      body: body === "" ? null : JSON.parse(body),
      key: headers["idempotency-key"],
    }));
    const request = {
      select: { filter: { stage: "miner", reason: "unknown_key", minAgeSeconds: 7_200 } },
      reason: "mended",
      ratePerSecond: 20,
    };
    expect(plan).toEqual({ body: { ...request, dryRun: true }, key: undefined });
    expect(start).toEqual({ body: request, key: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it("starts nothing on a dry run, when nothing would be replayed, or when nobody can say yes", async () => {
    const stack = await deployment({ [`POST ${PATH}`]: { body: PLAN } });
    const empty = await deployment({ [`POST ${PATH}`]: { body: { ...PLAN, wouldReplay: 0 } } });
    expect((await replay(stack, "--dry-run")).code).toBe(0);
    expect((await replay(stack)).code).toBe(EXIT.usage);
    const nothing = await replay(empty, "--yes", "--json");
    expect(nothing.code, "there was nothing to do, and nothing failed").toBe(EXIT.ok);
    expect(JSON.parse(nothing.stdout)).toMatchObject({ dryRun: true, wouldReplay: 0 });
    for (const { body } of [...stack.asked, ...empty.asked])
      expect(JSON.parse(body)).toEqual({ select: { ids: [ID] }, reason: "r", dryRun: true });
  });

  it("refuses to mean all by omission", async () => {
    const stack = await deployment({});
    for (const args of [[], [ID, "--all"], ["--all", "--stage", "miner"], [ID, "--block", "4"]])
      expect((await vdc(stack, "dead-letters", "replay", ...args, "--reason", "r", "--yes")).code).toBe(
        EXIT.usage,
      );
    expect(stack.asked).toEqual([]);
  });

  it("fails when one could not be replayed", async () => {
    const stack = await deployment({
      [`POST ${PATH}`]: [{ body: PLAN }, { status: 202, body: { ...DONE, failed: 1 } }],
    });
    const { code, stderr } = await vdc(stack, "dead-letters", "replay", "--all", "--reason", "r", "--yes");
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain("1 dead letter could not be replayed");
  });
});
