import { timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { verifyAuditChain } from "../../../../shared/chain/audit-chain.ts";
import { json } from "../../../../shared/http/answer.ts";
import { Problem } from "../../../../shared/http/problems.ts";
import type { Fields, Log } from "../../../../shared/runtime/log.ts";
import { operation, type Call } from "../../../../workers/gateway/http/operation.ts";
import { routerOf } from "../../../../workers/gateway/http/router.ts";
import { TestAuditLog } from "../../../support/chain/audit-log.ts";

const AUDIENCE = "a".repeat(64);
const SECRET = "4f1c0a9be27d4c55b3d8";

/** A gateway with one call, behind Cloudflare Access, with an audit log in memory. */
class TestGateway {
  readonly log = new TestAuditLog();
  readonly logged: [event: string, fields: Fields | undefined][] = [];
  readonly waitedFor: Promise<unknown>[] = [];
  identity: CloudflareAccessIdentity | undefined = { email: "ann@vdc.example" };
  audience = AUDIENCE;
  /** The work of the call. Its argument is the number of audit entries at that moment. */
  work: (entries: number, call: Call) => Promise<Response> = async () => json({ done: true });
  worked = 0;

  readonly #route = routerOf([
    [
      "POST",
      "/api/things/:id/mend",
      operation(
        {
          does: "Mends a thing",
          who: "operator",
          params: v.strictObject({ id: v.string() }),
          query: v.strictObject({ dryRun: v.optional(v.string()) }),
          body: v.object({ reason: v.optional(v.string()), by: v.optional(v.string()) }),
          answers: { 200: v.unknown() },
        },
        async (call) => {
          this.worked++;
          return this.work(this.log.entries().length, call);
        },
      ),
    ],
  ]);

  mend(body: unknown = {}, headers: Record<string, string> = {}, path = "/api/things/7/mend") {
    const note = (event: string, fields?: Fields) => void this.logged.push([event, fields]);
    const log: Log = { info: note, warn: note, error: note, with: () => log };
    const context = {
      access: { aud: this.audience, getIdentity: async () => this.identity },
      waitUntil: (promise: Promise<unknown>) => void this.waitedFor.push(promise),
    } as unknown as ExecutionContext;
    return this.#route({
      request: new Request(`https://vdc.example${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      }),
      env: { ACCESS_AUD: AUDIENCE, ADMIN_SECRET: SECRET, ...this.log.env } as never,
      context,
      requestId: "request-1",
      log,
    });
  }

  outcomes() {
    return this.log.entries().map(({ kind, outcome }) => [kind, outcome?.status, outcome?.problem]);
  }
}

beforeAll(() => {
  Object.assign(crypto.subtle, { timingSafeEqual }); // workerd has this function
});

describe("an operator who comes through Cloudflare Access", () => {
  it("stands in the log with the name that Access verified, whatever else is said [T41]", async () => {
    const gateway = new TestGateway();
    await gateway.mend({ by: "eve", reason: "worn out" }, { "x-operator": "eve" });
    for (const { operator, reason, action, target } of gateway.log.entries())
      expect({ operator, reason, action, target }).toEqual({
        operator: { name: "ann@vdc.example", by: "access" },
        reason: "worn out",
        action: "POST /api/things/:id/mend",
        target: "/api/things/7/mend",
      });
    expect(gateway.outcomes()).toEqual([
      ["asked", undefined, undefined],
      ["answered", 200, null],
    ]);
  });

  it("is named by what Access knows: e-mail address, name or id", async () => {
    const gateway = new TestGateway();
    const identities: CloudflareAccessIdentity[] = [{ name: "Ann", user_uuid: "u-1" }, { user_uuid: "u-1" }];
    for (const identity of identities) {
      gateway.identity = identity;
      await gateway.mend({ by: "eve" });
    }
    const names = gateway.log
      .entries()
      .flatMap(({ kind, operator }) => (kind === "asked" ? operator.name : []));
    expect(names).toEqual(["Ann", "u-1"]);
  });

  it("is not let in by Access alone when the page of another site asks, in whatever browser [T23]", async () => {
    const gateway = new TestGateway();
    const foreign: Record<string, string>[] = [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "https://evil.example" },
      { origin: "null" },
    ];
    for (const headers of foreign)
      await expect(gateway.mend({}, headers)).rejects.toMatchObject({ slug: "unauthorized" });
    expect(gateway.worked).toBe(0);
    const own: Record<string, string>[] = [
      { "sec-fetch-site": "same-origin" },
      { origin: "https://vdc.example" },
    ];
    for (const headers of own) expect((await gateway.mend({}, headers)).status).toBe(200);
  });

  it("is not let in by Access alone when it names nobody, as with a service token", async () => {
    const gateway = new TestGateway();
    for (const nobody of [undefined, {}, { email: "  " }]) {
      gateway.identity = nobody;
      await expect(gateway.mend()).rejects.toMatchObject({ slug: "unauthorized" });
    }
    expect([gateway.worked, gateway.log.entries()]).toEqual([0, []]);

    await gateway.mend({}, { "x-admin-secret": SECRET, "x-operator": "night job" });
    expect(gateway.log.entries()[0]?.operator).toEqual({ name: "night job", by: "secret" });
  });

  it("leaves nothing in the log when Access let him into another application", async () => {
    const gateway = new TestGateway();
    gateway.audience = "b".repeat(64);
    await expect(gateway.mend()).rejects.toMatchObject({ slug: "unauthorized" });
    await new Promise((resolve) => setImmediate(resolve));
    expect([gateway.log.entries(), gateway.worked]).toEqual([[], 0]);
    expect(gateway.logged.map(([event]) => event)).toEqual(["operator.refused"]);
  });
});

describe("an operator's call", () => {
  it("is in the log before anything is done", async () => {
    const gateway = new TestGateway();
    gateway.work = async (entries) => json({ entries });
    const response = await gateway.mend({}, {}, "/api/things/7/mend?dryRun=true");
    expect(await response.json()).toEqual({ entries: 1 });
    expect(gateway.log.entries()[0]?.target).toBe("/api/things/7/mend?dryRun=true");
    expect(verifyAuditChain(gateway.log.entries())).toEqual(gateway.log.page().head);
  });

  it("does nothing while the log can't take it [T27]", async () => {
    const gateway = new TestGateway();
    gateway.log.failure = { started: new Error("the object is not there") };
    await expect(gateway.mend()).rejects.toMatchObject({ slug: "audit-unavailable" });
    expect(gateway.worked).toBe(0);
    expect(gateway.logged).toEqual([
      ["audit.unavailable", { action: "POST /api/things/:id/mend", error: "Error: the object is not there" }],
    ]);
  });

  it("is answered all the same when the log can't take its outcome, which is told loudly", async () => {
    const gateway = new TestGateway();
    gateway.log.failure = { finished: new Error("the object is gone") };
    const response = await gateway.mend();
    expect(await response.json()).toEqual({ done: true });
    expect(gateway.outcomes()).toEqual([["asked", undefined, undefined]]);
    expect(gateway.logged).toEqual([
      [
        "audit.answer_lost",
        { sequence: 1, action: "POST /api/things/:id/mend", error: "Error: the object is gone" },
      ],
    ]);
  });

  describe("while the log does not answer", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it("is refused after a while, and nothing is done", async () => {
      const gateway = new TestGateway();
      gateway.log.silent = "started";
      const answer = Promise.allSettled([gateway.mend()]);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await answer).toMatchObject([{ reason: { slug: "audit-unavailable" } }]);
      expect(gateway.worked).toBe(0);
    });

    it("is answered after a while once it was done", async () => {
      const gateway = new TestGateway();
      gateway.log.silent = "finished";
      const answer = gateway.mend();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await (await answer).json()).toEqual({ done: true });
      expect(gateway.logged.map(([event]) => event)).toEqual(["audit.answer_lost"]);
    });
  });

  it("knows its operator by the name that the log has", async () => {
    const gateway = new TestGateway();
    const names: unknown[] = [];
    gateway.work = async (_, { operator }) => {
      names.push(operator?.name);
      return json({});
    };
    await gateway.mend({ by: "eve" });
    gateway.identity = undefined;
    await gateway.mend({ by: "eve" }, { "x-admin-secret": SECRET });
    expect(names).toEqual(["ann@vdc.example", "eve"]);
  });

  it.each([
    { fails: new Problem("not-found", "There is no thing 7."), status: 404, problem: "not-found" },
    { fails: new TypeError("x is not a function"), status: 500, problem: "internal-error" },
  ])("that fails is told with $problem, and fails as it did", async ({ fails, status, problem }) => {
    const gateway = new TestGateway();
    gateway.work = async () => {
      throw fails;
    };
    await expect(gateway.mend()).rejects.toBe(fails);
    expect(gateway.outcomes()).toEqual([
      ["asked", undefined, undefined],
      ["answered", status, problem],
    ]);
    expect(JSON.stringify(gateway.log.entries())).not.toContain(fails.message);
  });

  it("is told by its path alone when it can't be read, and nothing is done", async () => {
    const gateway = new TestGateway();
    const wrong = [
      gateway.mend({ reason: 7 }),
      gateway.mend({ reason: "fine" }, {}, "/api/things/7/mend?key=top-secret"),
    ];
    for (const answer of wrong) await expect(answer).rejects.toBeInstanceOf(Problem);
    expect(gateway.worked).toBe(0);
    for (const { target, reason } of gateway.log.entries())
      expect([target, reason]).toEqual(["/api/things/7/mend", null]);
    expect(gateway.log.entries()).toHaveLength(4);
  });

  it("goes on to its end in the log when the caller hangs up", async () => {
    const gateway = new TestGateway();
    const started = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<Response>();
    gateway.work = () => {
      started.resolve();
      return finished.promise;
    };
    void gateway.mend();
    await started.promise;
    expect(gateway.waitedFor).toHaveLength(1);
    finished.resolve(json({}));
    await gateway.waitedFor[0];
    expect(gateway.outcomes()).toHaveLength(2);
  });
});

async function resultOf(response: Response) {
  const gateway = new TestGateway();
  gateway.work = async () => response;
  const answer = await gateway.mend();
  return { result: gateway.log.entries()[1]?.outcome?.result, text: await answer.text() };
}

describe("the outcome", () => {
  it("tells the answer's own facts and no contents, and leaves the answer whole", async () => {
    const body = {
      id: "run-1",
      blockNumber: 4,
      dryRun: true,
      state: null,
      total: { deep: 1 },
      status: 0.5,
      message: { ct: "…" },
      envelope: "x".repeat(1_000_000),
    };
    expect(await resultOf(json(body, { status: 202 }))).toEqual({
      result: { id: "run-1", blockNumber: 4, dryRun: true },
      text: `${JSON.stringify(body)}\n`,
    });
  });

  it("has no facts where the answer is no object or no JSON", async () => {
    expect((await resultOf(json(["id"]))).result).toEqual({});
    for (const response of [json(null), new Response("id"), new Response(null)])
      expect((await resultOf(response)).result).toBeNull();
  });
});
