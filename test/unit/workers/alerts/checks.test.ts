import { describe, expect, it } from "vitest";
import { checkAlerts } from "../../../../workers/alerts/checks.ts";
import type { Readings } from "../../../../workers/alerts/readings.ts";
import type { StorageSummary } from "../../../../workers/storage-verifier/runs/failing-blocks.ts";
import type { AlertName } from "../../../../shared/objects/alerts.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";
import { TRACES } from "../../../support/chain/lost-chain.ts";

const LIMITS = { pendingSeconds: 900, stalledSeconds: 900, repeatSeconds: 86_400 };
const NONE_WAITS = { messages: 0, bytes: 0, oldestAt: null };
const NO_LETTERS = {
  open: { miner: 0 },
  replaying: 0,
  resolved: 3,
  dismissed: 1,
  oldestOpenAt: null,
  recovering: [],
};
const SOUND: StorageSummary & { lastRun: object } = {
  wrong: { kv: 0, r2: 0, ipfs: 0 },
  verifiedSince: null,
  failing: 0,
  partial: 0,
  withoutPrivateParts: 0,
  lastRun: { id: "run-1", kind: "verify", state: "done", startedAt: 0, finishedAt: 1, failed: 0 },
  rehydrated: { kv: 0, r2: 0, ipfs: 0 },
};

const DOCUMENTS = {
  total: 3,
  unverified: 0,
  partial: 0,
  failed: 0,
  verifiedSince: 1,
  rehydrated: { r2: 0, ipfs: 0 },
};

/** Returns the alerts for this chain head. All other readings are healthy, unless the test gives others. */
function looked(head: TestHead, others: Partial<Readings> = {}) {
  const readings: Readings = {
    chain: head.status(),
    intake: NONE_WAITS,
    deadLetters: NO_LETTERS,
    storage: SOUND,
    documents: DOCUMENTS,
    objects: { "chain-head": 4_096, monitor: 4_096 },
    ...others,
  };
  const found = checkAlerts(readings, LIMITS, head.now);
  const names = found.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  return {
    names,
    firing: found.filter(({ firing }) => firing).map(({ alert }) => alert),
    of: (alert: AlertName) => found.find((check) => check.alert === alert),
  };
}

describe("a chain at rest", () => {
  it("gives no alert, and looks at all of them", () => {
    const { firing, names } = looked(new TestHead().begun());
    expect(firing).toEqual([]);
    expect(names).toEqual([
      "halted",
      "stalled",
      "pending_too_old",
      "dead_letters",
      "failed_verification",
      "incomplete_documents",
      "object_nearly_full",
      "unreadable",
    ]);
  });
});

describe("documents", () => {
  it("alert when one of them is in neither tier, or not whole in both", () => {
    const head = new TestHead().begun();
    const firing = (documents: Partial<typeof DOCUMENTS>) =>
      looked(head, { documents: { ...DOCUMENTS, ...documents } }).firing;
    expect(firing({ failed: 1 })).toEqual(["incomplete_documents"]);
    expect(firing({ partial: 1 })).toEqual(["incomplete_documents"]);
    expect(firing({ unverified: 3 })).toEqual([]);
  });
});

const of = (bytes: number) =>
  looked(new TestHead().begun(), { objects: { "chain-head": bytes, monitor: 4_096 } }).of(
    "object_nearly_full",
  );

describe("a Durable Object", () => {
  it("is an alert at 70 % of its ceiling, and says which one it is", () => {
    expect(of(0.69 * 10 * 1024 ** 3)).toMatchObject({ firing: false });
    const check = of(0.71 * 10 * 1024 ** 3);
    expect(check).toMatchObject({ firing: true });
    expect(check?.summary).toContain("chain-head takes 71 %");
  });
});

describe("a halted chain", () => {
  it("is an alert since it was halted, with the reason and what to do", () => {
    const head = new TestHead().begun();
    const haltedAt = head.now;
    head.halt("block 7: R2 holds other bytes");
    head.pass(120);
    expect(looked(head).of("halted")).toMatchObject({
      firing: true,
      since: haltedAt,
      summary: expect.stringMatching(/R2 holds other bytes.*`vdc resume --reason …`/s),
      details: { reason: "block 7: R2 holds other bytes" },
    });
  });

  it("tells the operator of a chain head that lost its storage to restore it, not to resume", () => {
    const { summary } = looked(new TestHead({}, TRACES)).of("halted") ?? {};
    expect(summary).toMatch(/its storage was lost.*`vdc restore --reason …`/s);
    expect(summary).not.toContain("vdc resume");
  });

  it("says nothing of what waits meanwhile: that is what halting is", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.mine();
    head.admit(2);
    head.halt("a test");
    head.pass(100_000);
    expect(looked(head).firing).toEqual(["halted"]);
    expect(looked(head).names).not.toContain("stalled");
    head.resume();
    expect(looked(head).firing).toEqual(["stalled", "pending_too_old"]);
  });
});

describe("a block that does not move", () => {
  it("is an alert after the limit, named with its stage, since it last moved", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    head.mine();
    head.pass(600);
    head.persisted(2);
    const movedAt = head.now;
    head.pass(900);
    expect(looked(head).firing).toEqual([]);
    head.pass(1);
    expect(looked(head).of("stalled")).toMatchObject({
      firing: true,
      since: movedAt,
      details: { blockNumber: 2, state: "persisted", stage: "indexer", blocks: 1 },
    });
    head.indexed(2);
    expect(looked(head).firing).toEqual([]);
  });

  it("is an alert also when it was never made: approved payments wait and the miner makes none", () => {
    const head = new TestHead({ miningMode: "approval" }).begun();
    head.admit(1);
    head.requestMining();
    head.pass(901);
    expect(looked(head).of("stalled")).toMatchObject({ firing: true, details: { stage: "miner" } });
  });
});

describe("payments that wait", () => {
  it("are an alert after the limit, in approval mode too: somebody has to approve", () => {
    const head = new TestHead({ miningMode: "approval" }).begun();
    const admittedAt = head.now;
    head.admit(1);
    head.pass(900);
    expect(looked(head).firing).toEqual([]);
    head.pass(1);
    expect(looked(head).firing).toEqual(["pending_too_old"]);
    expect(looked(head).of("pending_too_old")).toMatchObject({
      since: admittedAt,
      summary: expect.stringMatching(/waited for 15 minutes.*POST \/api\/vdc\/mine/s),
      details: { waiting: 1, waitsFor: "miner" },
    });
  });

  it("are one also while they are still in the webhook's queue", () => {
    const head = new TestHead().begun();
    const intake = { messages: 3, bytes: 9_000, oldestAt: head.now - 901_000 };
    expect(looked(head, { intake }).of("pending_too_old")).toMatchObject({
      firing: true,
      since: intake.oldestAt,
      details: { waitsFor: "pending-writer" },
    });
  });

  it("are one also while what they have paid for is not released; what is unpaid may wait", () => {
    const head = new TestHead().begun();
    head.receive(50);
    head.pass(100_000);
    expect(looked(head).firing).toEqual([]);
    head.admit({ n: 1, pays: 50 });
    const paidAt = head.now;
    head.mineAll();
    head.pass(900);
    expect(looked(head).firing).toEqual([]);
    head.pass(1);
    expect(looked(head).of("pending_too_old")).toMatchObject({
      firing: true,
      since: paidAt,
      summary: expect.stringMatching(/15 minutes.*the log of accounts/s),
      details: { waitsFor: "accounts" },
    });
  });
});

describe("dead letters", () => {
  it("are an alert while one is open, counted by stage", () => {
    const open = { miner: 2, indexer: 1 };
    const found = looked(new TestHead(), { deadLetters: { ...NO_LETTERS, open, oldestOpenAt: 5 } });
    expect(found.of("dead_letters")).toMatchObject({
      firing: true,
      since: 5,
      summary: expect.stringMatching(/^3 dead letter.*GET \/api\/dead-letters/s),
      details: open,
    });
  });

  it("are an alert while one is being replayed, for it may fail again", () => {
    const found = looked(new TestHead(), { deadLetters: { ...NO_LETTERS, replaying: 2 } });
    expect(found.of("dead_letters")).toMatchObject({
      firing: true,
      summary: expect.stringMatching(/^2 dead letter.*replayed/),
    });
    const done = looked(new TestHead(), { deadLetters: { ...NO_LETTERS, resolved: 2, dismissed: 1 } });
    expect(done.of("dead_letters")).toMatchObject({ firing: false });
  });
});

const summaryOf = (found: Partial<StorageSummary>) =>
  looked(new TestHead(), { storage: { ...SOUND, ...found } }).of("failed_verification")?.summary;

describe("a verification", () => {
  it("is an alert when it found a block that no tier can give, or one that could not be made whole", () => {
    const head = new TestHead();
    expect(looked(head, { storage: { ...SOUND, failing: 1 } }).firing).toEqual(["failed_verification"]);
    expect(looked(head, { storage: { ...SOUND, partial: 9 } }).firing).toEqual(["failed_verification"]);
    expect(looked(head, { storage: { ...SOUND, lastRun: null } }).firing).toEqual([]);
  });

  it("says that another tier has a block only of blocks of which that is so", () => {
    expect(summaryOf({ partial: 2 })).toMatch(/^2 block.*Another tier has them/);
    const lost = summaryOf({ partial: 2, withoutPrivateParts: 2 });
    expect(lost).toMatch(/^R2 lacks private parts of 2 block.*no tier has another copy.*bring-records/);
    expect(lost).not.toContain("Another tier has");
    const both = summaryOf({ partial: 3, withoutPrivateParts: 2 });
    expect(both).toMatch(/^1 block.*Another tier has them.*R2 lacks private parts of 2 block.*bring-records/);
    expect(summaryOf({ failing: 1, partial: 2, withoutPrivateParts: 2 })).toMatch(
      /^1 block.*R2 lacks private/,
    );
  });

  it("is an alert when it did not come to its end", () => {
    const lastRun = { ...SOUND.lastRun, state: "failed" as const };
    expect(
      looked(new TestHead(), { storage: { ...SOUND, lastRun } }).of("failed_verification"),
    ).toMatchObject({ firing: true, details: { lastRun: "run-1" } });
  });
});

describe("a verification that is under way", () => {
  const lastRun = { ...SOUND.lastRun, state: "running" as const, finishedAt: null };

  it("is no all-clear: the one before may have failed, and so may this one", () => {
    expect(looked(new TestHead(), { storage: { ...SOUND, lastRun } }).names).not.toContain(
      "failed_verification",
    );
  });

  it("keeps a block that nobody can give an alert", () => {
    const storage = { ...SOUND, failing: 1, lastRun };
    expect(looked(new TestHead(), { storage }).firing).toEqual(["failed_verification"]);
  });
});

describe("a part that can't be read", () => {
  it("gives neither alert nor all-clear of what it would show, and is named [T55 T56]", () => {
    const head = new TestHead().begun();
    const found = looked(head, { chain: undefined, deadLetters: undefined });
    expect(found.names).toEqual([
      "failed_verification",
      "incomplete_documents",
      "object_nearly_full",
      "unreadable",
    ]);
    expect(found.of("unreadable")).toMatchObject({
      firing: true,
      summary: expect.stringContaining("chain, deadLetters"),
    });
    expect(looked(head, { intake: undefined }).names).not.toContain("pending_too_old");
  });
});
