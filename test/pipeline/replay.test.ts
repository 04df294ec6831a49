import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeadLetterEntry, Replay } from "../../shared/api/dead-letters.ts";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { workerName } from "../../shared/pipeline.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import { checkChain, expectMined } from "../support/chain/check-chain.ts";
import {
  entryOf,
  givenUp,
  listed,
  park,
  planned,
  post,
  replay,
  replayOf,
  shown,
  startReplay,
  untilEntry,
  untilReplay,
} from "../support/chain/dead-letters.ts";
import { until } from "../support/stack/patience.ts";
import { mine, status, untilIdle } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { restart } from "../support/stack/restart.ts";
import { payloadOf, seal } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
});
afterAll(() => pipeline.close());

interface KeyringJson {
  signing: object[];
  encryption: { status: string }[];
}

/** Adds the other keyring's encryption key as decrypt-only: it opens envelopes, and no envelope is sealed to it. */
function withKeyOf(keyring: string, other: string): string {
  const { signing, encryption } = JSON.parse(keyring) as KeyringJson;
  const added = (JSON.parse(other) as KeyringJson).encryption.map((key) => ({
    ...key,
    status: "decrypt-only",
  }));
  return JSON.stringify({ signing, encryption: [...encryption, ...added] });
}

/**
 * Makes letters of pending-writer, one for each transaction and for every fourth transaction a second one, sealed
 * again.
 */
async function lettersOf(distinct: number): Promise<{ letters: object[]; txIds: string[] }> {
  const payloads = Array.from({ length: distinct }, () => payloadOf());
  const twice = payloads.filter((_, i) => i % 4 === 0);
  const messages: PendingTransaction[] = [];
  for (const payload of [...payloads, ...twice]) messages.push(await seal(pipeline, payload));
  return {
    letters: messages.map((message) => givenUp("pending-writer", message)),
    txIds: payloads.map(({ transaction }) => transaction.id),
  };
}

const statesOf = (entries: readonly DeadLetterEntry[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(entries, ({ state }) => state)].map(([state, { length }]) => [state, length]),
  );

const numbers = (entries: readonly DeadLetterEntry[]) => entries.map(({ blockNumber }) => blockNumber);

/** Returns the numbers of dead letters in the metrics, for each state; empty if they are unknown. */
async function countsOf(of: Pipeline): Promise<number[]> {
  const text = await (await of.operate("/api/metrics")).text();
  const counts = [...text.matchAll(/^vdc_dead_letters(?:_open)?\{.*\} (\d+)$/gm)].map(([, n]) => Number(n));
  return counts.length === 0 ? [] : [counts.reduce((sum, n) => sum + n)];
}

/** Returns the values of an entry that R2 holds. */
const factsOf = ({ id, failures, txId, blockNumber }: DeadLetterEntry) => ({
  id,
  failures,
  txId,
  blockNumber,
});

describe("a transaction that was set aside", () => {
  it("is mined by a replay once the key that it needs is in the keyring, and is one dead letter all the time", async () => {
    const lost = await generateKeyring();
    const sealed = await seal(pipeline, payloadOf(), { publicKey: await publicKeyOf(lost) });
    const { txId } = sealed;
    const setAside = async () => {
      const answer = await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
      expect(await answer.json()).toMatchObject({ mined: false, reason: "all_set_aside" });
    };
    await deliverTo(pipeline, "pending-writer", [{ body: sealed }]);
    await setAside();
    const failure = { reason: "unknown_key", attempts: 1 };
    await untilEntry(pipeline, txId, { stage: "miner", state: "open", ...failure, failures: [failure] });

    // A replay before the cause is mended fails for the same reason again, as the dry run says.
    const { id } = await entryOf(pipeline, txId);
    const select = { ids: [id] };
    await pipeline.fireCron("miner");
    expect(await planned(pipeline, select)).toMatchObject({
      wouldFail: 1,
      items: [{ id, action: "fail_again", detail: expect.stringContaining(sealed.envelope.kid) }],
    });
    expect(await replay(pipeline, select)).toMatchObject({ total: 1, replayed: 1, skipped: 0, failed: 0 });
    expect((await status(pipeline)).counts).toMatchObject({ setAside: 0, waiting: 1, pending: 1 });
    await untilEntry(pipeline, txId, { state: "replaying" });
    await setAside();
    await untilEntry(pipeline, txId, { id, state: "open", attempts: 2, failures: [failure, failure] });

    pipeline = await restart(pipeline, {
      secrets: { SYSTEM_KEYRING: withKeyOf(pipeline.secrets.SYSTEM_KEYRING, lost) },
    });
    await pipeline.fireCron("miner");
    expect(await planned(pipeline, select)).toMatchObject({
      total: 1,
      wouldReplay: 1,
      items: [{ id, stage: "miner", txId, action: "replay", detail: "waits for a block again" }],
    });
    expect(await replay(pipeline, select)).toMatchObject({ replayed: 1 });
    const { blockNumber } = await mine(pipeline);
    expectMined((await checkChain(pipeline)).slice(blockNumber), [txId]);
    await untilEntry(pipeline, txId, { id, state: "resolved", failures: [failure, failure] });
    expect((await status(pipeline)).counts).toMatchObject({ setAside: 0, waiting: 0, pending: 0 });

    const again = await replay(pipeline, select);
    expect(again).toMatchObject({
      replayed: 0,
      skipped: 1,
      items: [{ id, outcome: "skipped", detail: `already mined in block ${blockNumber}` }],
    });
  });
});

describe("a replay of 200, some of them of one transaction", () => {
  it("goes on after an abort and a restart, and mines each transaction once [T54]", async () => {
    const { letters, txIds } = await lettersOf(160);
    expect(letters).toHaveLength(200);
    for (let i = 0; i < letters.length; i += 50)
      await park(pipeline, "pending-writer", letters.slice(i, i + 50));
    const select = { filter: { stage: "pending-writer" } } as const;
    expect(await planned(pipeline, select)).toMatchObject({ total: 200, wouldReplay: 200, wouldSkip: 0 });

    const first = await startReplay(pipeline, select, { ratePerSecond: 50 });
    expect(first).toMatchObject({
      state: "running",
      total: 200,
      replayed: 0,
      endedAt: null,
      ratePerSecond: 50,
    });
    await until(async () => expect((await replayOf(pipeline, first.id)).replayed).toBeGreaterThan(0));
    const path = `/api/dead-letters/replays/${first.id}`;
    expect((await pipeline.operate(path, { method: "DELETE" })).status).toBe(200);
    const aborted = await untilReplay(pipeline, first.id, { state: "aborted", endedAt: expect.any(Number) });
    expect(aborted.replayed).toBeLessThan(200);
    expect(aborted.items).toHaveLength(200);

    const second = await startReplay(pipeline, select, { ratePerSecond: 50 });
    expect(second.total).toBeGreaterThan(0);
    await until(async () => expect((await replayOf(pipeline, second.id)).replayed).toBeGreaterThan(0));
    pipeline = await restart(pipeline); // messages in the queues are lost
    const done = await untilReplay(pipeline, second.id, { state: "done" });
    expect(done.replayed + done.skipped).toBe(second.total);
    expect(done.failed).toBe(0);

    // The replayed letters whose messages the queues lost are known not to be done. Until they are, they can be
    // replayed again.
    await until(async () => {
      const entries = await listed(pipeline, "&stage=pending-writer");
      const { waiting } = (await status(pipeline)).counts;
      if (waiting < txIds.length) await replay(pipeline, { ids: entries.map(({ id }) => id) });
      expect(waiting).toBe(txIds.length);
    });
    const { blockNumber } = await mine(pipeline);
    await untilIdle(pipeline);
    expectMined((await checkChain(pipeline)).slice(blockNumber), txIds);
    await until(async () =>
      expect(statesOf(await listed(pipeline, "&stage=pending-writer"))).toEqual({ resolved: 200 }),
    );

    const ids = (await listed(pipeline, "&stage=pending-writer")).map(({ id }) => id);
    const repeated = await replay(pipeline, { ids: [...ids, ...ids] });
    expect(repeated).toMatchObject({ total: 200, replayed: 0, skipped: 200, failed: 0 });
    expect(repeated.items?.[0]?.detail).toBe(`already mined in block ${blockNumber}`);
    expect((await status(pipeline)).counts).toMatchObject({ pending: 0, setAside: 0 });
  });
});

describe("a block that a stage gave up", () => {
  it("is resolved by itself when the block gets there by other means", async () => {
    const message = { v: 1, blockNumber: 1, from: 0 };
    await park(pipeline, "indexer", [givenUp("indexer", message)]);
    await until(async () =>
      expect(await listed(pipeline, "&stage=indexer&blockNumber=1")).toMatchObject([
        { state: "resolved", blockNumber: 1, txId: null },
      ]),
    );
  });

  it("fails again when nothing was mended, and the replay says so", async () => {
    const message = { v: 1, blockNumber: 1, from: "the beginning" };
    await park(pipeline, "tier-persister", [
      givenUp("tier-persister", { ...message, blockNumber: 1_000_000 }),
    ]);
    const [entry] = await listed(pipeline, "&stage=tier-persister&blockNumber=1000000");
    const { id } = await replay(pipeline, { ids: [entry!.id] });
    await untilReplay(pipeline, id, {
      failed: 1,
      replayed: 0,
      items: [{ id: entry!.id, outcome: "failed", detail: "sent, and failed again: malformed_message" }],
    });
    const after = await shown(pipeline, entry!.id);
    expect(after).toMatchObject({
      state: "open",
      reason: "malformed_message",
      attempts: 102,
      failures: [
        { reason: "malformed_message", attempts: 1 },
        { reason: "retries_exhausted", attempts: 101 },
      ],
      message: { ...message, blockNumber: 1_000_000 },
    });
  });
});

describe("the list", () => {
  const old = Date.now() - 3_600_000;
  const about = (blockNumber: number) =>
    givenUp("pending-cleaner", { v: 1, blockNumber }, { failedAt: old + blockNumber });
  beforeAll(() =>
    park(pipeline, "pending-cleaner", [800_001, 800_002, 800_003, 800_004, 800_005].map(about)),
  );

  it("is filtered by stage, reason, transaction, block, state and age", async () => {
    expect(numbers(await listed(pipeline, "&blockNumber=800003"))).toEqual([800_003]);
    expect(numbers(await listed(pipeline, "&stage=pending-cleaner&minAgeSeconds=2000"))).toHaveLength(5);
    expect(await listed(pipeline, "&stage=pending-cleaner&minAgeSeconds=86400")).toEqual([]);
    expect(await listed(pipeline, "&stage=pending-cleaner&maxAgeSeconds=600")).toEqual([]);
    expect(await listed(pipeline, "&stage=pending-cleaner&state=dismissed")).toEqual([]);
    expect(await listed(pipeline, "&stage=pending-cleaner&reason=forked")).toEqual([]);
    expect(await listed(pipeline, "&stage=pending-cleaner&reason=retries_exhausted")).toHaveLength(5);
    for (const { state } of await listed(pipeline, "&stage=pending-cleaner&state=open"))
      expect(state).toBe("open");
    for (const { reason } of await listed(pipeline, "&reason=unknown_key"))
      expect(reason).toBe("unknown_key");
  });

  it("is made anew from R2 when the object has lost its storage", async () => {
    const before = await listed(pipeline);
    const worker = pipeline.harness.getWorker(workerName("dead-letters"));
    const storage = await worker.getDurableObjectStorage("DeadLetters", { name: "vdc-main" });
    const tables = await storage.exec<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
    );
    for (const { name } of tables) await storage.exec(`DROP TABLE ${name}`);
    await worker.evictDurableObject("DeadLetters", { name: "vdc-main" });

    const counted: number[] = [];
    await until(async () => {
      counted.push(...(await countsOf(pipeline)));
      const response = await pipeline.operate("/api/dead-letters?limit=1");
      expect(response.status, await response.text()).toBe(200);
    });
    // While records are still to be read, the metrics show no number instead of a number that is too small.
    for (const count of counted) expect(count).toBe(before.length);
    expect(await countsOf(pipeline)).toEqual([before.length]);
    const after = await listed(pipeline);
    expect(after.map(factsOf)).toEqual(before.map(factsOf));
    // The index has lost which letters were being replayed. Such a letter is open until an operator has looked at it.
    const { open = 0, replaying = 0, ...done } = statesOf(before);
    const expected = { open: open + replaying, ...done };
    await until(async () => expect(statesOf(await listed(pipeline))).toEqual(expected));
  });
});

describe("a dismissal", () => {
  it("keeps the entry with who and why, and a new failure opens it", async () => {
    const message = { v: 1, blockNumber: 800_100 };
    await park(pipeline, "pending-cleaner", [givenUp("pending-cleaner", message)]);
    const [entry] = await listed(pipeline, "&blockNumber=800100");
    for (const body of [{}, { reason: "" }, { reason: " " }, { reason: "x", by: "ann" }])
      await expectProblem(await post(pipeline, `${entry!.id}/dismiss`, body), "invalid-body");
    const headers = { "x-operator": "ann" };
    const response = await post(pipeline, `${entry!.id}/dismiss`, { reason: "a test's own" }, headers);
    const dismissed = { by: "ann", reason: "a test's own", at: expect.any(Number) };
    expect(await response.json()).toMatchObject({ id: entry!.id, state: "dismissed", dismissed });
    expect(await listed(pipeline, "&blockNumber=800100&state=dismissed")).toMatchObject([{ dismissed }]);
    const byFilter = { filter: { blockNumber: 800_100 } } as const;
    expect(await planned(pipeline, byFilter)).toMatchObject({ total: 0 });

    await park(pipeline, "pending-cleaner", [
      givenUp("pending-cleaner", message, { failedAt: Date.now() + 1 }),
    ]);
    expect(await listed(pipeline, "&blockNumber=800100")).toMatchObject([
      { state: "open", dismissed: null, failures: [{}, {}] },
    ]);
  });
});

describe("the request for a replay", () => {
  const reason = "a test";
  const message = { v: 1, blockNumber: 800_200 };
  let id: string;
  beforeAll(async () => {
    await park(pipeline, "pending-cleaner", [givenUp("pending-cleaner", message)]);
    id = (await listed(pipeline, "&blockNumber=800200"))[0]!.id;
  });

  it("is refused without a scope, a reason or a sensible rate", async () => {
    const select = { ids: [id] };
    for (const body of [
      { reason },
      { select },
      { select, reason: " " },
      { select: {}, reason },
      { select: { ids: [] }, reason },
      { select: { ids: ["x"] }, reason },
      { select: { filter: {} }, reason },
      { select: { filter: { stages: "miner" } }, reason },
      { select: { all: false }, reason },
      { select: { all: true, ids: [id] }, reason },
      { select, reason, ratePerSecond: 0 },
      { select, reason, ratePerSecond: 501 },
      { select, reason, ratePerSecond: 1.5 },
      { select, reason, dryRun: "yes" },
      { select, reason, force: true },
    ])
      await expectProblem(await post(pipeline, "replays", body), "invalid-body", JSON.stringify(body));
    await expectProblem(
      await post(pipeline, "replays", { select: { ids: [id, "0".repeat(32)] }, reason }),
      "not-found",
    );
    expect(await listed(pipeline, "&blockNumber=800200")).toMatchObject([{ state: "open", failures: [{}] }]);
  });

  it("changes nothing as a dry run", async () => {
    const replaysBefore = await (await pipeline.operate("/api/dead-letters/replays")).json();
    const before = await listed(pipeline);
    const plan = await planned(pipeline, { all: true });
    expect(plan.total).toBe(before.filter(({ state }) => state === "open").length);
    expect(plan.items).toContainEqual({
      id,
      stage: "pending-cleaner",
      txId: null,
      blockNumber: 800_200,
      action: "replay",
      detail: "to vdc-pending-cleaner again",
    });
    expect(await listed(pipeline)).toEqual(before);
    expect(await (await pipeline.operate("/api/dead-letters/replays")).json()).toEqual(replaysBefore);
  });

  it("makes one replay for one Idempotency-Key, and a refusal does not use the key up", async () => {
    const headers = { "idempotency-key": crypto.randomUUID(), "x-operator": "bob" };
    const active = await startReplay(
      pipeline,
      { filter: { stage: "pending-cleaner" } },
      { ratePerSecond: 1 },
    );
    const body = { select: { ids: [id] }, reason };
    const problem = await expectProblem(await post(pipeline, "replays", body, headers), "replay-active");
    expect(problem).toMatchObject({ replayId: active.id, detail: expect.stringContaining(active.id) });
    await pipeline.operate(`/api/dead-letters/replays/${active.id}`, { method: "DELETE" });

    const answers = await Promise.all([1, 2].map(() => post(pipeline, "replays", body, headers)));
    const made = await Promise.all(answers.map((answer) => answer.json<Replay>()));
    expect(answers.map((answer) => answer.status)).toEqual([202, 202]);
    expect(made[1]).toEqual(made[0]);
    expect(made[0]).toMatchObject({ by: "bob", reason, total: 1, ratePerSecond: 10 });
    await untilReplay(pipeline, made[0]!.id, { state: "done" });
    expect(await (await post(pipeline, "replays", body, headers)).json()).toEqual(made[0]);

    const other = { ...body, ratePerSecond: 11 };
    await expectProblem(await post(pipeline, "replays", other, headers), "idempotency-mismatch");
    await expectProblem(
      await post(pipeline, "replays", body, { "idempotency-key": "k".repeat(201) }),
      "invalid-parameter",
    );
    const { replays } = await (
      await pipeline.operate("/api/dead-letters/replays")
    ).json<{ replays: Replay[] }>();
    expect(replays.filter(({ by }) => by === "bob")).toHaveLength(1);
    expect(replays[0]?.id).toBe(made[0]!.id);
  });
});
