import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RATE_LIMITS } from "../../shared/pipeline.ts";
import { CHAIN_ID, creation, newUser, postSubmission, signed } from "../support/users/accounts.ts";
import { CALLS, callOf, faultsOf } from "../support/assertions/openapi.ts";
import { deliver, purchase } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders } from "../support/assertions/problems.ts";
import { payloadOf } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain({ vars: { RATE_LIMITING: "on" } });
});
afterAll(() => pipeline.close());

const from = (address: string) => ({ "cf-connecting-ip": address });

/**
 * Asks until it is refused, at most more often than any limit allows. @returns the number of answers that were not
 * refused
 */
async function useUp(name: keyof typeof RATE_LIMITS, ask: () => Promise<Response>): Promise<number> {
  const { limit } = RATE_LIMITS[name].simple;
  let through = 0;
  // Asks for twice the limit, because the minute may end in between, and then the count begins again.
  for (let asked = 0; asked < 2 * limit + 20; asked += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    const refused = answers.filter(({ status }) => status === 429).length;
    through += 20 - refused;
    await Promise.all(answers.map(async (answer) => answer.body?.cancel()));
    if (refused === 20) return through;
  }
  throw new Error(`${through} were let through, and none refused`);
}

async function expectLimited(id: string, response: Response): Promise<void> {
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after")).toBe("60");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expectHeaders(response);
  expect(await response.clone().json()).toMatchObject({ type: "urn:vdc:problem:rate-limited" });
  expect(await faultsOf(callOf(id), response)).toEqual([]);
}

describe("one address that floods the gateway", () => {
  it("may write so often in a minute, and then only it is refused [T7]", async () => {
    const submit = (address: string) =>
      pipeline.fetch("/api/vdc/transactions", { method: "POST", headers: from(address), body: "{}" });
    const through = await useUp("PUBLIC_WRITES", () => submit("2001:db8:1:2::1"));
    expect(through).toBeGreaterThanOrEqual(RATE_LIMITS.PUBLIC_WRITES.simple.limit);
    await expectLimited("postTransactions", await submit("2001:db8:1:2::1"));
    await expectLimited("postTransactions", await submit("2001:db8:1:2:ffff::7")); // the same customer's address
    expect((await submit("2001:db8:1:3::1")).status).toBe(400);
    expect((await submit("192.0.2.1")).status).toBe(400);

    // Other clients' calls go on, and so do Stripe's payments and operators' calls from any address.
    const submission = await signed(await newUser(), creation(`deed-${CHAIN_ID}`));
    expect((await postSubmission(pipeline, submission)).status).toBe(202);
    expect((await deliver(pipeline, purchase())).status).toBe(200);
    const mined = await pipeline.operate("/api/vdc/mine", {
      method: "POST",
      headers: from("2001:db8:1:2::1"),
    });
    expect(mined.status).toBeLessThan(300);
    const read = await pipeline.fetch("/api/vdc/latest", { headers: from("2001:db8:1:2::1") });
    expect(read.status).toBe(200);
  });

  it("may read what KV does not know so often in a minute, and what KV knows as often as it likes [T7]", async () => {
    const headers = from("192.0.2.2");
    const unknown = () => pipeline.fetch(`/api/vdc/transactions/${payloadOf().transaction.id}`, { headers });
    const through = await useUp("UNKNOWN_READS", unknown);
    expect(through).toBeGreaterThanOrEqual(RATE_LIMITS.UNKNOWN_READS.simple.limit);
    await expectLimited("getTransaction", await unknown());
    const others: [string, string][] = [
      ["getBlock", "/api/vdc/blocks/1000000"],
      ["getBlocks", "/api/vdc/blocks"],
      ["getWellKnownVdcJson", "/.well-known/vdc.json"],
      ["getReady", "/api/ready"],
    ];
    for (const [id, path] of others) await expectLimited(id, await pipeline.fetch(path, { headers }));
    for (const path of ["/api/vdc/latest", "/api/vdc/blocks/0", "/api/health", "/"])
      expect((await pipeline.fetch(path, { headers })).status, path).toBe(200);
    const elsewhere = await pipeline.fetch("/api/ready", { headers: from("192.0.2.3") });
    expect(elsewhere.status).not.toBe(429);
  });
});

describe("openapi.json", () => {
  it("says of each public write, and of no operator's call nor Stripe's, that it may be limited", () => {
    for (const { id, method, operator, answers } of CALLS) {
      if (operator || id === "postStripeWebhook") expect(Object.keys(answers), id).not.toContain("429");
      else if (method !== "GET") expect(Object.keys(answers), id).toContain("429");
    }
  });
});
