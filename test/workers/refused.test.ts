import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mapConnections } from "../../shared/storage/limits.ts";
import type { AuditEntry } from "../../shared/chain/audit-chain.ts";
import { requestsOf, type FuzzedRequest } from "./fuzzed-requests.ts";
import { hostileBodies, NOWHERE } from "./hostile-requests.ts";
import { everythingStored } from "../support/chain/chain-state.ts";
import { CALLS, type DocumentedCall } from "../support/assertions/openapi.ts";
import { pay, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { refusalsOf, type Refusal } from "./refusals.ts";
import { delivered, difference, OBJECT_CLASSES, wholeState, type WholeState } from "./whole-state.ts";

const EACH = Number(process.env.FUZZ_RUNS ?? 10); // requests for each call

let pipeline: Pipeline;
let refusals: readonly Refusal[];
let before: WholeState;
let messages: number;
let requests: object;
beforeAll(async () => {
  pipeline = await startPipeline({ tap: true, vars: { STALL_AFTER_SECONDS: "600" } });
  refusals = await refusalsOf(pipeline);
  // A Durable Object makes its tables at its first call.
  for (const path of ["/api/metrics", "/api/dead-letters", "/api/storage-verify/status", "/api/audit"])
    await pipeline.operate(path);
  await everythingStored(pipeline); // waits for the count of pending transactions, which is written at most once a second
  before = await wholeState(pipeline);
  messages = delivered(pipeline).length;
  ({ requests } = pipeline.pinning.stats());
});
afterAll(() => pipeline.close());

/** Values of path parameters that let the call read the body. */
const VALUES: Readonly<Record<string, string>> = {
  "{txId}": `vdc_tx_${"0".repeat(40)}`,
  "{userId}": "0".repeat(64),
  "{id}": "0".repeat(32),
};

/** Entries that a refused call may leave. Everything else must be unchanged. */
const MAY_COME = [/^AuditLog entry /]; // an attempt by a holder of the operator's secret stays known

async function expectNothingDone(): Promise<void> {
  const { gone, come } = difference(before, await wholeState(pipeline));
  expect(gone).toEqual([]);
  expect(come.filter((row) => !MAY_COME.some((may) => may.test(row)))).toEqual([]);
  expect(delivered(pipeline).slice(messages)).toEqual([]);
  expect(pipeline.pinning.stats().requests).toMatchObject({ ...requests, list: expect.any(Number) }); // the test lists pins
}

/** Sends the request and expects a refusal. @returns its status */
async function refused(what: string, asked: Promise<Response>): Promise<number> {
  const response = await asked;
  const said = `${what}: ${response.status} ${(await response.text()).slice(0, 300)}`;
  expect(response.status, said).toBeGreaterThanOrEqual(400);
  expect(response.status, said).toBeLessThan(500);
  return response.status;
}

function send({ method, path, headers, body }: FuzzedRequest, more: Record<string, string>) {
  return pipeline.fetch(path, { method, headers: { ...headers, ...more }, ...(body && { body }) });
}

const secretOf = ({ operator }: DocumentedCall): Record<string, string> =>
  operator ? { "x-admin-secret": pipeline.secrets.ADMIN_SECRET } : {};

/** Returns requests with this verdict. Some calls accept every input, so they have no misfits. */
function samples(call: DocumentedCall, verdict: FuzzedRequest["verdict"]): FuzzedRequest[] {
  const known = { blockNumber: ["0", "1"], assetId: ["deed-1"] };
  return fc.sample(requestsOf(call, known), EACH).filter((request) => request.verdict === verdict);
}

/** Whether a call has this method and path. `/api/dead-letters/dismissals` may also be a dead letter of that id. */
function takes(method: string, path: string): boolean {
  return CALLS.some((call) => {
    const pattern = new RegExp(`^${call.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return call.method === method && pattern.test(path);
  });
}

describe("a refused request", () => {
  it("is looked for in every Durable Object there is", () => {
    const seen = new Set(Object.keys(before).map((row) => row.split(" ")[0]));
    for (const [, name] of OBJECT_CLASSES) expect(seen).toContain(name);
    for (const tier of ["kv", "r2", "pin"]) expect(seen).toContain(tier);
  });

  it("changes nothing when it is not as the document has it: parameters, bodies and rubbish", async () => {
    const misfits = CALLS.flatMap((call) => samples(call, "misfit").map((request) => ({ call, request })));
    await mapConnections(misfits, ({ call, request }) =>
      refused(`${request.method} ${request.path}`, send(request, secretOf(call))),
    );
    await expectNothingDone();
  });

  it("changes nothing when it lacks the operator's secret", async () => {
    const { ADMIN_SECRET } = pipeline.secrets;
    const secrets = [
      "",
      "x",
      ADMIN_SECRET.slice(1),
      `${ADMIN_SECRET}x`,
      ADMIN_SECRET.toUpperCase(),
      "x".repeat(9_000),
    ];
    const operators = CALLS.filter(({ operator }) => operator);
    const asked = operators.flatMap((call) =>
      samples(call, "fits").map((request, i) => ({
        call,
        request,
        secret: secrets[i % secrets.length] ?? "",
      })),
    );
    await mapConnections(asked, async ({ call, request, secret }) => {
      expect(await refused(call.id, send(request, secret === "" ? {} : { "x-admin-secret": secret }))).toBe(
        401,
      );
    });
    await expectNothingDone();
  });

  it("changes nothing when the path takes no such method", async () => {
    const methods = ["GET", "POST", "PUT", "DELETE", "PROPFIND"];
    const asked = CALLS.flatMap(({ path }) => methods.map((method) => ({ method, path })));
    const headers = { "x-admin-secret": pipeline.secrets.ADMIN_SECRET };
    await mapConnections(
      asked.filter(({ method, path }) => !takes(method, path)),
      async ({ method, path }) => {
        const status = await refused(
          method,
          pipeline.fetch(path.replaceAll(/\{\w+\}/g, "1"), { method, headers }),
        );
        expect([404, 405], `${method} ${path}`).toContain(status);
      },
    );
    await expectNothingDone();
  });

  it("changes nothing when its body is hostile", async () => {
    const all = CALLS.flatMap((call) => hostileBodies(call).map((hostile) => ({ call, ...hostile })));
    for (const { call, what, body } of all) {
      const path = call.path.replaceAll(/\{\w+\}/g, (name) => VALUES[name] ?? "1");
      const init = {
        method: call.method,
        headers: secretOf(call),
        body: body(),
        duplex: "half",
      } as RequestInit;
      const status = await refused(`${call.id} with ${what}`, pipeline.fetch(path, init));
      expect([400, 413], `${call.id} with ${what}`).toContain(status);
    }
    await expectNothingDone();
  });

  it.for(NOWHERE)("changes nothing when it leads nowhere: %s", async (path) => {
    const status = await refused(path, pipeline.fetch(path));
    expect([400, 404]).toContain(status);
  });

  it("changes nothing when a rule forbids it", async () => {
    for (const { what, status, ask } of refusals) expect(await refused(what, ask()), what).toBe(status);
    await expectNothingDone();
  });

  it("changes nothing but the audit log, where an operator's attempt stands as refused", async () => {
    const { come } = difference(before, await wholeState(pipeline));
    const entries = come
      .map((row) => JSON.parse(/^AuditLog entry (\{.*\}) = /.exec(row)?.[1] ?? "null") as { json: string })
      .map(({ json }) => JSON.parse(json) as AuditEntry);
    const answered = entries.filter((entry) => entry.kind === "answered");
    expect(answered.length).toBeGreaterThan(50);
    expect(entries).toHaveLength(answered.length * 2);
    expect(answered.filter(({ outcome }) => outcome.problem === null || (outcome.status ?? 0) < 400)).toEqual(
      [],
    );
  });

  it("leaves no message behind in any queue: what comes next is the next payment alone", async () => {
    const txId = await pay(pipeline);
    await untilWaiting(pipeline, 2);
    const after = delivered(pipeline).slice(messages);
    expect(after.map(({ queue, body }) => [queue, (body as { txId: string }).txId])).toEqual([
      ["vdc-pending-writer", txId],
    ]);
  });
});
