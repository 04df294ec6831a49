import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { STAGES } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { checkChain, expectMined } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, status, untilIdle, type MinedBlock } from "../support/payments/payments.ts";
import { startPipeline, withPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders, expectProblem } from "../support/assertions/problems.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { call, operatorCalls } from "./operator-calls.ts";
import { submit } from "../support/payments/sealed-payments.ts";

interface Ready {
  ready: boolean;
  checks: Record<string, { ok: boolean; detail?: string }>;
  oldestUnfinishedSeconds: number | null;
}

async function ready(pipeline: Pipeline): Promise<{ status: number; body: Ready }> {
  const response = await pipeline.fetch("/api/ready");
  return { status: response.status, body: await response.json() };
}

describe("the operator's calls", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ vars: { READY_MAX_AGE_SECONDS: "1" } });
  });
  afterAll(() => pipeline.close());
  afterEach(() => pipeline.pinning.clearFaults());

  const post = (path: string, body?: unknown) =>
    pipeline.fetch(path, {
      method: "POST",
      headers: { "x-admin-secret": pipeline.secrets.ADMIN_SECRET },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });

  it("are refused without the secret, with a wrong one, and with the right one in a wrong place [T26]", async () => {
    const { ADMIN_SECRET } = pipeline.secrets;
    const given: Record<string, string>[] = [
      {},
      { "x-admin-secret": "" },
      { "x-admin-secret": "wrong" },
      { "x-admin-secret": ADMIN_SECRET.slice(0, -1) },
      { "x-admin-secret": `${ADMIN_SECRET}x` },
      { "x-admin-secret": swapCase(ADMIN_SECRET) },
      { "x-admin-secret": `${ADMIN_SECRET}, ${ADMIN_SECRET}` },
      { authorization: `Bearer ${ADMIN_SECRET}` },
      { cookie: `x-admin-secret=${ADMIN_SECRET}` },
      {
        "cf-access-jwt-assertion": "eyJhbGciOiJub25lIn0.e30.",
        "cf-access-authenticated-user-email": "a@b.example",
      },
    ];
    for (const operatorCall of await operatorCalls(pipeline))
      for (const headers of given) {
        const what = `${operatorCall.path} ${JSON.stringify(headers)}`;
        const response = await call(pipeline, operatorCall, headers);
        expect(response.headers.get("www-authenticate"), what).toContain("VdcAdminSecret");
        const problem = await expectProblem(response, "unauthorized", what);
        expect(JSON.stringify(problem)).not.toContain(ADMIN_SECRET);
      }
    await expectProblem(
      await pipeline.fetch(`/api/vdc/status?x-admin-secret=${ADMIN_SECRET}`),
      "unauthorized",
    );
    const head = await pipeline.fetch("/api/vdc/status", { method: "HEAD" });
    expect(head.status).toBe(401);
    expect((await status(pipeline)).counts.blocks).toBe(0);
  });

  it("are answered with the secret, never cached [T18]", async () => {
    const calls = await operatorCalls(pipeline);
    // Leaves out calls about a single thing. They need an id, and other tests cover them.
    for (const { path } of calls.filter((one) => one.method === "GET" && !one.path.endsWith("/1"))) {
      const response = await pipeline.operate(path);
      expect(response.status, path).toBe(200);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expectHeaders(response);
      await response.body?.cancel();
    }
  });

  it("take their own method only", async () => {
    for (const { method, path } of await operatorCalls(pipeline)) {
      const response = await call(pipeline, { method: "PATCH", path });
      const allowed = response.headers.get("allow")?.split(", ");
      expect(allowed, path).toEqual(expect.arrayContaining([method, "OPTIONS"]));
      expect(allowed, path).not.toContain("PATCH");
      await expectProblem(response, "method-not-allowed", path);
    }
  });

  it("mine nothing when nothing waits, and say so", async () => {
    const response = await post("/api/vdc/mine?wait=60");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      mined: false,
      reason: "nothing_pending",
      detail: expect.any(String),
    });
    expect((await status(pipeline)).counts.blocks).toBe(0);
  });

  it("refuse a wait that is no number of seconds up to 60, and mine nothing then", async () => {
    await submit(pipeline);
    for (const wait of ["-1", "61", "1e1", "1.5", "01", "", "soon", "%ff", "9007199254740992", "1&wait=2"])
      await expectProblem(await post(`/api/vdc/mine?wait=${wait}`), "invalid-parameter", wait);
    const { counts, inFlight } = await status(pipeline);
    expect({ waiting: counts.waiting, blocks: counts.blocks, inFlight }).toEqual({
      waiting: 1,
      blocks: 0,
      inFlight: [],
    });
  });

  it("mine one block when two ask at one moment, and wait until it is complete", async () => {
    const answers = await Promise.all([mine(pipeline), mine(pipeline)]);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]).toEqual({
      blockNumber: 1,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      ipfsHash: expect.stringMatching(/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/),
      r2Key: "blocks/1.json",
      transactions: 1,
    });
    const blocks = await checkChain(pipeline);
    expect(blocks.length).toBe(2);
    expect(blocks[1]?.hash).toBe(answers[0].hash);
  });

  it("answer at once without wait, and say where to look", async () => {
    await submit(pipeline);
    const response = await post("/api/vdc/mine");
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toBe("/api/vdc/status");
    expect(await response.json()).toEqual({
      blockNumber: 2,
      transactions: 1,
      state: expect.stringMatching(/^(requested|reserved|sealed|persisted|indexed)$/),
      statusUrl: "/api/vdc/status",
    });
    await until(async () => expect((await checkChain(pipeline)).length).toBe(3));
    await untilIdle(pipeline);
  });

  it("page through what waits, in the order of admission, and never show its contents [T27 T42]", async () => {
    const events = [3, 1, 2, 5, 4].map((n) => purchase({ created: 1_790_000_000 + n, assetId: `deed-${n}` }));
    const txIds: string[] = [];
    for (const event of events) txIds.push(await submit(pipeline, event));

    const seen: string[] = [];
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? "" : `&cursor=${cursor}`;
      const response = await pipeline.operate(`/api/vdc/pending?limit=2${more}`);
      const text = await response.text();
      expect(text).not.toMatch(/envelope|"enc"|"ct"|deed-|buyer@|(?<![0-9a-f])4900(?![0-9a-f])|size/);
      const page = JSON.parse(text) as { transactions: { txId: string }[]; next: string | null };
      expect(page).toMatchObject({ count: 5, waiting: 5 });
      for (const transaction of page.transactions)
        expect(transaction).toEqual({
          txId: transaction.txId,
          timestamp: expect.any(Number),
          admittedAt: expect.any(Number),
          ageSeconds: expect.any(Number),
        });
      sizes.push(page.transactions.length);
      seen.push(...page.transactions.map(({ txId }) => txId));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(txIds); // in the order of admission
    expect(sizes).toEqual([2, 2, 1]);

    const all = await (await pipeline.operate("/api/vdc/pending")).json<{ next: string | null }>();
    expect(all.next).toBeNull();
    for (const query of [
      "limit=0",
      "limit=1001",
      "limit=x",
      "cursor=",
      "cursor=x",
      "cursor=e30",
      "cursor=%ff",
    ])
      await expectProblem(await pipeline.operate(`/api/vdc/pending?${query}`), "invalid-parameter", query);

    const { blockNumber } = await mine(pipeline);
    const block = (await checkChain(pipeline))[blockNumber];
    expect(block?.transactions.map(({ id }) => id)).toEqual(txIds); // whatever their timestamps are
    expect(await (await pipeline.operate("/api/vdc/pending")).json()).toEqual({
      count: 0,
      waiting: 0,
      transactions: [],
      next: null,
    });
  });

  it("show a stalled block, and /api/ready is 503 while it stalls for too long", async () => {
    await until(async () => expect((await ready(pipeline)).status).toBe(200));
    pipeline.pinning.setFault({ kind: "stall", on: "upload" });
    const [txId, later] = [await submit(pipeline), await submit(pipeline, purchase())];
    const response = await post("/api/vdc/mine?wait=1");
    const body = await response.json<{ blockNumber: number }>();
    expect(response.status).toBe(202);
    expect(body).toMatchObject({ transactions: 2, state: "sealed", statusUrl: "/api/vdc/status" });

    await until(async () => {
      const { status: code, body: answer } = await ready(pipeline);
      expect(code).toBe(503);
      expect(answer).toMatchObject({ ready: false, checks: { kv: { ok: true }, chain: { ok: false } } });
      expect(answer.checks.chain?.detail).toContain(
        `block ${body.blockNumber} has been sealed for too long: tier-persister does not finish it`,
      );
      expect(answer.oldestUnfinishedSeconds).toBeGreaterThan(1);
    });
    const shown = await (await pipeline.operate("/api/vdc/status")).json();
    expect(shown).toMatchObject({
      latest: body.blockNumber - 1,
      halted: null,
      counts: { pending: 2, waiting: 0 },
      oldestWaitingSeconds: null,
      inFlight: [
        {
          blockNumber: body.blockNumber,
          state: "sealed",
          stage: "tier-persister",
          transactions: 2,
          ageSeconds: expect.any(Number),
        },
      ],
      queues: Object.fromEntries(
        STAGES.map((stage) => [stage, { messages: expect.any(Number), bytes: expect.any(Number) }]),
      ),
      failures: [],
    });

    pipeline.pinning.clearFaults();
    await untilIdle(pipeline);
    await until(async () => expect((await ready(pipeline)).status).toBe(200));
    const blocks = await checkChain(pipeline);
    expectMined(blocks.slice(-1), [txId, later]);
  });

  it("stop mining when the archive holds another block of that number, until an operator resumes", async () => {
    const blockNumber = (await checkChain(pipeline)).length;
    const foreign = await (await pipeline.r2.get(r2Keys.block(1)))?.arrayBuffer();
    await pipeline.r2.put(r2Keys.block(blockNumber), foreign ?? "");
    const txId = await submit(pipeline);
    expect((await post("/api/vdc/mine")).status).toBe(202);
    await until(async () =>
      expect((await status(pipeline)).halted?.reason).toContain(`block ${blockNumber}`),
    );

    const answer = await ready(pipeline);
    expect(answer.status).toBe(503);
    expect(answer.body.checks.chain?.detail).toContain("The chain is halted");
    await submit(pipeline, purchase({ created: 1_790_000_000 }));
    await expectProblem(await post("/api/vdc/mine?wait=5"), "halted");

    for (const body of [
      "",
      "not JSON",
      "{}",
      { by: "ann" },
      { by: "", reason: "x" },
      { by: "a", reason: "b", more: 1 },
    ])
      await expectProblem(await post("/api/vdc/resume", body), "invalid-body", JSON.stringify(body));
    expect((await status(pipeline)).halted).not.toBeNull();

    await pipeline.r2.delete(r2Keys.block(blockNumber)); // the operator has seen that the object was put there by mistake
    const resumed = await post("/api/vdc/resume", {
      by: "ann",
      reason: "a test copy was restored by mistake",
    });
    expect(resumed.status).toBe(200);
    expect(await resumed.json()).toMatchObject({ resumed: true, halted: { reason: expect.any(String) } });
    await until(async () => expect((await checkChain(pipeline)).length).toBe(blockNumber + 1));
    const blocks = await checkChain(pipeline);
    expectMined(blocks.slice(blockNumber), [txId]);
    const next: MinedBlock = await mine(pipeline);
    expect(next).toMatchObject({ blockNumber: blockNumber + 1, transactions: 1 });
    expect(await (await post("/api/vdc/resume", { by: "ann", reason: "again" })).json()).toMatchObject({
      resumed: false,
      halted: null,
    });
  });

  it("leave no secret in the logs", () => {
    const logs = JSON.stringify(pipeline.harness.getLogs());
    expect(logs).toContain("operator.refused");
    for (const [name, secret] of Object.entries(pipeline.secrets))
      expect(logs.includes(secret), name).toBe(false);
    expect(logs).not.toContain("buyer@");
  });
});

describe("approval mode", () => {
  it("mines at the operator's request and at no other [T39]", async () => {
    const vars = { MINING_MODE: "approval", MINE_AT_COUNT: "1", MINE_AFTER_SECONDS: "1" };
    await withPipeline({ vars }, async (pipeline) => {
      const txIds = [await submit(pipeline), await submit(pipeline)];
      await pipeline.fireCron("miner");
      const asked = await deliverTo(pipeline, "miner", [
        { id: "threshold", body: { v: 1, cause: "threshold" } },
        { id: "another", body: { v: 1 } },
      ]);
      expect(asked.acked).toEqual(["another", "threshold"]);
      // The watchdog would have asked by itself a second after the first transaction arrived.
      await until(async () => {
        const response = await pipeline.operate("/api/vdc/status");
        const { oldestWaitingSeconds } = await response.json<{ oldestWaitingSeconds: number }>();
        expect(oldestWaitingSeconds).toBeGreaterThanOrEqual(2);
      });
      await pipeline.fireCron("miner");
      expect((await status(pipeline)).counts).toMatchObject({ pending: 2, waiting: 2, mined: 0, blocks: 0 });

      expect(await mine(pipeline)).toMatchObject({ blockNumber: 1, transactions: 2 });
      expectMined(await checkChain(pipeline), txIds);
    });
  });
});

function swapCase(text: string): string {
  return text.replaceAll(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));
}
