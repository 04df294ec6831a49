import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { logger } from "../../../../shared/runtime/log.ts";
import { setValue } from "../../../../workers/chain-head/storage/key-values.ts";
import type { Env } from "../../../../workers/gateway/env.ts";
import { ready } from "../../../../workers/gateway/resources/health.ts";
import type { Arrival } from "../../../../workers/gateway/http/operation.ts";
import { KEY, TestHead } from "../../../support/chain/chain-head.ts";

const LIMIT = 900; // seconds

let head: TestHead;
let oldestInQueueAt: number | null;
let queueAnswers: boolean;
/** The health that accounts reports. */
let accounts: object;
/** The binding that does not answer. */
let silent: string | undefined;
/** The binding that fails. */
let broken: string | undefined;
let ipfsGatewayUrl: string;

beforeEach(() => {
  head = new TestHead({ miningMode: "approval" }).begun();
  oldestInQueueAt = null;
  queueAnswers = true;
  accounts = { done: { encryptionKeyId: "a" } };
  silent = undefined;
  broken = undefined;
  ipfsGatewayUrl = "https://gateway.example";
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  vi.spyOn(console, "error").mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function ingestWebhook(url: string): Response {
  if (!url.endsWith("/backlog")) return Response.json({ ready: true, encryptionKeyId: "a" });
  return queueAnswers
    ? Response.json({ messages: 1, bytes: 1, oldestAt: oldestInQueueAt })
    : new Response("no", { status: 500 });
}

async function answerOf<T>(binding: string, answer: () => T): Promise<T> {
  if (silent === binding) return new Promise<never>(() => {});
  if (broken === binding) throw new Error("not deployed");
  return answer();
}

function minerHolds(...keyIds: string[]): void {
  setValue(head.sql, "minerKeys", { keyIds, signingKeyId: KEY.keyId, at: head.now });
}

/** Asks /api/ready at the head's time. Everything is healthy unless the test says otherwise. */
async function asked(): Promise<{
  status: number;
  ingest: { ok: boolean; detail?: string };
  chain: unknown;
}> {
  vi.setSystemTime(head.now);
  const env = {
    CHAIN_ID: "vdc-test",
    READY_MAX_AGE_SECONDS: String(LIMIT),
    IPFS_GATEWAY_URL: ipfsGatewayUrl,
    KV: { get: () => answerOf("kv", () => null) },
    R2: { head: () => answerOf("r2", () => null) },
    INGEST_WEBHOOK: { fetch: (url: string) => answerOf("ingest", () => ingestWebhook(url)) },
    CHAIN_HEAD: { getByName: () => ({ status: () => answerOf("chain", () => head.status()) }) },
    AUDIT_LOG: { getByName: () => ({ page: () => answerOf("audit", () => ({})) }) },
    DEAD_LETTERS: { getByName: () => ({ counts: () => answerOf("dead_letters", () => ({})) }) },
    MONITOR: { getByName: () => ({ alertStates: () => answerOf("monitor", () => []) }) },
    ACCOUNTS: { ready: () => answerOf("accounts", () => accounts) },
    RATE_LIMITING: "off",
    STORAGE_VERIFIER: { summary: () => answerOf("storage", () => ({})) },
  } as unknown as Env;
  const request = new Request("https://vdc.example/api/ready");
  const arrival = { request, params: {}, env, requestId: "test", log: logger("test") } as unknown as Arrival;
  const answer = ready.work(await ready.read(arrival, undefined));
  await vi.advanceTimersByTimeAsync(30_000);
  const response = await answer;
  const { checks } = await response.json<{ checks: { ingest: { ok: boolean }; chain: unknown } }>();
  return { status: response.status, ...checks };
}

describe("/api/ready", () => {
  it("is 200 while an operator takes time to approve: that is nobody's failure", async () => {
    head.admit(1);
    head.pass(100_000);
    expect(await asked()).toMatchObject({ status: 200, chain: { ok: true } });
  });

  it("is 503 when what was approved is in no block for too long", async () => {
    head.admit(1);
    head.requestMining();
    head.pass(LIMIT);
    expect((await asked()).status).toBe(200);
    head.pass(1);
    expect(await asked()).toMatchObject({
      status: 503,
      chain: { detail: expect.stringContaining("the miner makes no block") },
    });
  });

  it("is 503 when payments wait in the webhook's queue for too long, of which the chain knows nothing", async () => {
    oldestInQueueAt = head.now;
    head.pass(LIMIT);
    expect((await asked()).status).toBe(200);
    head.pass(1);
    expect(await asked()).toMatchObject({
      status: 503,
      chain: { ok: true },
      ingest: { detail: expect.stringMatching(/waited in the queue for 901 seconds: pending-writer/) },
    });
  });

  it("is 503 when a submission that is paid is not released for too long, and not while one is unpaid", async () => {
    head.receive(50);
    head.pass(100_000);
    expect((await asked()).status).toBe(200);
    head.admit({ n: 1, pays: 50 });
    head.mineAll();
    head.pass(LIMIT);
    expect((await asked()).status).toBe(200);
    head.pass(1);
    expect(await asked()).toMatchObject({
      status: 503,
      chain: { detail: expect.stringContaining("see the log of accounts") },
    });
  });

  it.for(["", "gateway.example"])("is 503 without an IPFS gateway, and says what to set: %j", async (url) => {
    ipfsGatewayUrl = url;
    expect(await asked()).toMatchObject({
      status: 503,
      ipfs_gateway: { ok: false, detail: expect.stringContaining("IPFS_GATEWAY_URL") },
    });
  });

  it("is 503 when that queue can't be measured", async () => {
    queueAnswers = false;
    expect(await asked()).toMatchObject({ status: 503, ingest: { ok: false } });
  });

  it("is 503 when accounts is not configured, with what it says", async () => {
    accounts = {
      refused: { slug: "not-configured", detail: "accounts: X is not set", members: {}, headers: {} },
    };
    expect(await asked()).toMatchObject({
      status: 503,
      accounts: { ok: false, detail: "accounts: X is not set" },
    });
  });

  it("is 503 when accounts, or ingest-webhook, seals to a key that the miner does not hold [T34]", async () => {
    minerHolds("a", "older");
    expect((await asked()).status).toBe(200);
    accounts = { done: { encryptionKeyId: "b" } };
    expect(await asked()).toMatchObject({
      status: 503,
      keys: { ok: false, detail: expect.stringContaining("of accounts matches no key") },
    });
    accounts = { done: { encryptionKeyId: "older" } };
    expect((await asked()).status).toBe(200);
    minerHolds("older");
    expect(await asked()).toMatchObject({
      status: 503,
      keys: { ok: false, detail: expect.stringContaining("of ingest-webhook matches no key") },
    });
  });

  it.each(["kv", "r2", "ingest", "accounts", "chain", "audit", "dead_letters", "monitor", "storage"])(
    "is 503 when %s fails, and when it does not answer at all",
    async (binding) => {
      broken = binding;
      expect(await asked()).toMatchObject({ status: 503, [binding]: { ok: false } });
      broken = undefined;
      silent = binding;
      expect(await asked()).toMatchObject({
        status: 503,
        [binding]: { ok: false, detail: expect.stringContaining("does not answer") },
      });
    },
  );
});
