import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditPage } from "../../shared/api/audit.ts";
import { verifyAuditChain, type AuditEntry } from "../../shared/chain/audit-chain.ts";
import type { Plan } from "../../shared/api/plan.ts";
import { ROUTES } from "../../shared/api/routes.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { status } from "../support/payments/payments.ts";
import { submit } from "../support/payments/sealed-payments.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline.close());

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

function operate(path: string, { method = "POST", headers, body }: Asking = {}): Promise<Response> {
  return pipeline.fetch(path, {
    method,
    headers: { "x-admin-secret": pipeline.secrets.ADMIN_SECRET, ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

async function page(query = ""): Promise<AuditPage> {
  const response = await operate(`/api/audit${query}`, { method: "GET" });
  expect(response.status).toBe(200);
  return response.json();
}

/** Returns the whole log, and expects that it verifies. */
async function log(): Promise<AuditEntry[]> {
  const { entries, head, next } = await page("?limit=1000");
  expect(verifyAuditChain(entries)).toEqual(head);
  expect(next).toBeNull();
  return entries;
}

/** Returns the entries that the work adds. */
async function leftBy(work: () => Promise<unknown>): Promise<AuditEntry[]> {
  const before = (await log()).length;
  await work();
  return (await log()).slice(before);
}

describe("an operator's action", () => {
  it("stands in the log before it is done and after it, with the name given beside the secret", async () => {
    await submit(pipeline);
    const headers = { "x-operator": "Ann", "x-request-id": "request-of-ann" };
    const [asked, answered, ...more] = await leftBy(async () => {
      const response = await operate("/api/vdc/mine?wait=30", { headers });
      expect(response.status).toBe(200);
    });
    const deed = {
      operator: { name: "Ann", by: "secret" },
      action: "POST /api/vdc/mine",
      target: "/api/vdc/mine?wait=30",
      reason: null,
      requestId: "request-of-ann",
    };
    expect(asked).toMatchObject({ ...deed, kind: "asked", outcome: null });
    expect(answered).toMatchObject({
      ...deed,
      kind: "answered",
      outcome: { asked: asked?.sequence, status: 200, problem: null, result: { blockNumber: 1 } },
    });
    expect(more).toEqual([]);
  });

  it("is told with its reason, and with the name in the body where the header has none", async () => {
    const body = { by: "Bob", reason: "looked at block 3: a copy was restored by mistake" };
    const entries = await leftBy(async () => {
      expect((await operate("/api/vdc/resume", { body })).status).toBe(200);
    });
    expect(entries.map(({ kind, operator, reason }) => [kind, operator.name, reason])).toEqual([
      ["asked", "Bob", body.reason],
      ["answered", "Bob", body.reason],
    ]);
    expect(entries[1]?.outcome?.result).toEqual({ resumed: false });
  });

  it("is recorded with its problem when it is malformed, without what was sent", async () => {
    const { ADMIN_SECRET } = pipeline.secrets;
    const entries = await leftBy(async () => {
      await expectProblem(await operate(`/api/vdc/mine?secret=${ADMIN_SECRET}`), "invalid-parameter");
      await expectProblem(
        await operate("/api/vdc/resume", { body: `not JSON ${ADMIN_SECRET}` }),
        "invalid-body",
      );
      await expectProblem(
        await operate("/api/vdc/resume", { body: { by: "Bob", reason: "" } }),
        "invalid-body",
      );
    });
    expect(entries.map(({ kind, target, outcome }) => [kind, target, outcome?.problem])).toEqual([
      ["asked", "/api/vdc/mine", undefined],
      ["answered", "/api/vdc/mine", "invalid-parameter"],
      ["asked", "/api/vdc/resume", undefined],
      ["answered", "/api/vdc/resume", "invalid-body"],
      ["asked", "/api/vdc/resume", undefined],
      ["answered", "/api/vdc/resume", "invalid-body"],
    ]);
    expect(JSON.stringify(entries)).not.toContain(ADMIN_SECRET);
  });

  it("is recorded whatever bytes its name and its reason have", async () => {
    const body = { by: "x", reason: "a cut pair \ud83d, a key whsec_abcdef and buyer@shop.example" };
    const text = JSON.stringify(body);
    expect(text).toContain(String.raw`\ud83d`);
    const [asked] = await leftBy(async () => {
      const headers = { "x-operator": `${"n".repeat(99)}ä` };
      expect((await operate("/api/vdc/resume", { headers, body: text })).status).toBe(200);
    });
    expect(asked?.reason).toBe("a cut pair \ufffd, a key [secret] and [e-mail]");
    expect(asked?.operator.name).toMatch(/^n{99}/);
  });

  it("is recorded under the operator's name in any script", async () => {
    for (const [header, name] of [
      ["UTF-8''%E6%9D%8E%E9%9B%B7", "李雷"],
      [Buffer.from("Łukasz").toString("latin1"), "Łukasz"], // the bytes that curl sends
      ["Ann", "Ann"],
    ] as const) {
      const [asked] = await leftBy(async () => {
        await operate("/api/vdc/mine", { headers: { "x-operator": header } });
      });
      expect(asked?.operator.name).toBe(name);
    }
  });

  it("leaves two entries for each of many at one moment, in one chain", async () => {
    const entries = await leftBy(() =>
      Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          operate("/api/vdc/mine", { headers: { "x-operator": `operator ${i}` } }),
        ),
      ),
    );
    const names = entries.filter(({ kind }) => kind === "answered").map(({ operator }) => operator.name);
    expect(names.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `operator ${i}`).toSorted());
    expect(entries.length).toBe(40);
  });
});

/** Covers every such call, also a call that is added later. */
it("every operator's call that does not only read leaves a started and a finished entry, with the name [T27]", async () => {
  const actions = Object.entries<Plan>(ROUTES).flatMap(([name, { who }]) =>
    who === "operator" && !name.startsWith("GET ") ? [name] : [],
  );
  expect(actions).toEqual(expect.arrayContaining(["POST /api/vdc/mine", "POST /api/vdc/resume"]));
  for (const action of actions) {
    const [method = "", path = ""] = action.split(" ");
    const entries = await leftBy(async () => {
      const headers = { "x-operator": "Cleo" };
      await (await operate(path.replaceAll(/:\w+/g, "1"), { method, headers, body: "{}" })).body?.cancel();
    });
    expect(entries, action).toMatchObject([
      { kind: "asked", action, operator: { name: "Cleo", by: "secret" } },
      { kind: "answered", action, operator: { name: "Cleo", by: "secret" } },
    ]);
  }
});

describe("the audit log", () => {
  it("gets no entry from a call that only reads", async () => {
    const entries = await leftBy(async () => {
      await status(pipeline);
      for (const method of ["GET", "HEAD"])
        for (const path of ["/api/vdc/pending", "/api/vdc/status", "/api/audit", "/api/health"])
          expect((await operate(path, { method })).status).toBe(200);
      await expectProblem(await operate("/api/audit?from=0", { method: "GET" }), "invalid-parameter");
    });
    expect(entries).toEqual([]);
  });

  it("gets no entry from a caller who is not let in: it can't be flooded [T41]", async () => {
    const entries = await leftBy(async () => {
      for (const secret of ["", "wrong"])
        for (const path of ["/api/vdc/mine", "/api/vdc/resume"])
          await expectProblem(await operate(path, { headers: { "x-admin-secret": secret } }), "unauthorized");
      await expectProblem(await operate("/api/audit"), "method-not-allowed");
      await expectProblem(await operate("/api/vdc/no-such-call"), "not-found");
      await expectProblem(await operate("/api/stripe/webhook", { body: "{}" }), "invalid-signature");
    });
    expect(entries).toEqual([]);
    expect(JSON.stringify(pipeline.harness.getLogs())).toContain("operator.refused");
  });
});

describe("GET /api/audit", () => {
  it("pages through the log forwards, and backwards from the latest", async () => {
    const all = await log();
    expect(all.length).toBeGreaterThan(10);
    for (const [query, expected] of [
      ["limit=7", all],
      ["limit=7&newest=true", all.toReversed()],
    ] as const) {
      const seen: AuditEntry[] = [];
      let from: number | null | undefined;
      do {
        const shown: AuditPage = await page(`?${query}${from === undefined ? "" : `&from=${from}`}`);
        expect(shown.head).toEqual({ sequence: all.length, hash: all.at(-1)?.hash });
        seen.push(...shown.entries);
        from = shown.next;
      } while (from !== null);
      expect(seen).toEqual(expected);
    }
  });

  it("begins where it is told to, also beyond the end", async () => {
    const all = await log();
    expect((await page("?from=3&limit=1")).entries).toEqual([all[2]]);
    expect(await page(`?from=${all.length + 1}`)).toMatchObject({ entries: [], next: null });
    expect((await page("?newest=true&from=1")).entries).toEqual([all[0]]);
  });

  it.each(["from=0", "from=-1", "from=x", "limit=0", "limit=1001", "newest=yes", "form=3"])(
    "refuses %s",
    async (query) => {
      await expectProblem(await operate(`/api/audit?${query}`, { method: "GET" }), "invalid-parameter");
    },
  );
});
