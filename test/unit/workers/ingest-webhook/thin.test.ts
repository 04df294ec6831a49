import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  signStripeBody,
  syntheticRefund,
  type SyntheticEvent,
} from "../../../../cli/local/stripe/synthetic.ts";
import { generateSecrets } from "../../../../cli/local/stack/secrets.ts";
import { Problem } from "../../../../shared/http/problems.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import type { PendingTransaction } from "../../../../shared/queue/messages.ts";
import type { Env } from "../../../../workers/ingest-webhook/env.ts";
import { ingest } from "../../../../workers/ingest-webhook/ingest.ts";
import { PURCHASE, transactionOf } from "../../shared/stripe/events.ts";

const REFUND = syntheticRefund(PURCHASE);
const SECRET = "whsec_3b1f9d0c7a5e48f2a6d40e9b";
const KEY = "rk_test_51Abc0000000000000000";

/** Stands in for the part of Stripe's API that a thin event needs. */
const api = {
  events: new Map<string, object>(),
  thin: new Map<string, object>(),
  fails: undefined as number | undefined,
  says: undefined as string | undefined,
  asked: [] as { path: string; headers: IncomingHttpHeaders }[],
};

const server = createServer((request, response) => {
  const path = request.url?.split("?")[0] ?? "";
  api.asked.push({ path, headers: request.headers });
  const id = path.split("/").at(-1) ?? "";
  const found = (path.startsWith("/v2/") ? api.thin : api.events).get(id);
  const status = api.fails ?? (found === undefined ? 404 : 200);
  response.writeHead(status, {
    "content-type": "application/json",
    ...(status === 307 && { location: `/elsewhere/${id}` }),
  });
  response.end(
    api.says ??
      JSON.stringify(status === 200 ? found : { error: { type: "invalid_request_error", message: KEY } }),
  );
});
let url = "";
let encryptionKey = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  encryptionKey = (await generateSecrets()).SYSTEM_ENCRYPTION_PUBLIC_KEY;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  api.events = new Map([[REFUND.id, REFUND]]);
  api.thin = new Map([["evt_thin", { ...thinOf(REFUND), snapshot_event: REFUND.id }]]);
  api.fails = undefined;
  api.says = undefined;
  api.asked = [];
});

function thinOf(event: SyntheticEvent): Record<string, unknown> {
  return {
    id: "evt_thin",
    object: "v2.core.event",
    type: `v1.${event.type}`,
    created: "2026-08-03T09:00:00.000Z",
    livemode: event.livemode,
    related_object: { id: event.data.object.id, type: "charge", url: "/v1/charges/ch_1" },
  };
}

async function deliver(event: object, settings: Partial<Env> = {}) {
  const sent: PendingTransaction[] = [];
  const body = JSON.stringify(event);
  const env = {
    PENDING_WRITER_QUEUE: { send: async (message: PendingTransaction) => void sent.push(message) },
    STRIPE_WEBHOOK_SECRET: SECRET,
    SYSTEM_ENCRYPTION_PUBLIC_KEY: encryptionKey,
    STRIPE_API_KEY: KEY,
    STRIPE_API_URL: url,
    ...settings,
  } as unknown as Env;
  const signature = signStripeBody(body, SECRET, Math.floor(Date.now() / 1_000));
  const request = new Request("https://ingest-webhook/", {
    method: "POST",
    headers: { "stripe-signature": signature },
    body,
  });
  const answer = await ingest(request, env, logger("ingest-webhook")).then(
    async (response) => ({
      status: response.status,
      body: await response.json<Record<string, unknown>>(),
    }),
    (error: unknown) => {
      if (error instanceof Problem) return error;
      throw error;
    },
  );
  return { answer, sent };
}

const ignored = (reason: string) => ({ status: 200, body: { received: true, ignored: reason } });

describe("a thin event", () => {
  it("is fetched, and becomes the transaction of its snapshot event", async () => {
    const { answer, sent } = await deliver(thinOf(REFUND));
    const { txId } = transactionOf(REFUND);
    expect(answer).toMatchObject({ status: 200, body: { received: true, txId, type: "refund" } });
    expect(sent.map((message) => message.txId)).toEqual([txId]);
    expect(api.asked.map(({ path }) => path)).toEqual([
      "/v2/core/events/evt_thin",
      `/v1/events/${REFUND.id}`,
    ]);
    for (const { headers } of api.asked)
      expect(headers).toMatchObject({
        authorization: `Bearer ${KEY}`,
        "stripe-version": "2026-10-28.endive",
      });
  });

  it("needs one call less when it names its snapshot event", async () => {
    await deliver({ ...thinOf(REFUND), snapshot_event: REFUND.id });
    expect(api.asked.map(({ path }) => path)).toEqual([`/v1/events/${REFUND.id}`]);
  });

  it("is asked for as its connected account, and has the id of what is delivered for it", async () => {
    const { answer } = await deliver({ ...thinOf(REFUND), context: "acct_1" });
    expect(answer).toMatchObject({ body: { txId: transactionOf({ ...REFUND, account: "acct_1" }).txId } });
    for (const { headers } of api.asked) expect(headers["stripe-context"]).toBe("acct_1");
  });

  it("says what to set when there is no key, and fetches nothing", async () => {
    const { answer, sent } = await deliver(thinOf(REFUND), { STRIPE_API_KEY: "" });
    expect(answer).toMatchObject({ slug: "unsupported-event" });
    expect((answer as Problem).message).toContain("Set STRIPE_API_KEY");
    expect([sent, api.asked]).toEqual([[], []]);
  });

  it("is ignored without a call when its type is not taken, with a key and without", async () => {
    for (const key of [KEY, ""]) {
      const settings = { STRIPE_API_KEY: key, STRIPE_LIVEMODE: "false" };
      const ignoredAs = async (members: object) =>
        (await deliver({ ...thinOf(REFUND), ...members }, settings)).answer;
      expect(await ignoredAs({ type: "v1.customer.created" })).toEqual(ignored("other_type"));
      expect(await ignoredAs({ type: "v2.core.event_destination.ping" })).toEqual(ignored("other_type"));
      expect(await ignoredAs({ type: "v1.payment_intent.succeeded" })).toEqual(ignored("other_family"));
      expect(await ignoredAs({ livemode: true })).toEqual(ignored("other_mode"));
    }
    expect(api.asked).toEqual([]);
  });

  it.each([
    [401, "not-configured"],
    [403, "not-configured"],
    [404, "unsupported-event"],
    [307, "unavailable"],
    [429, "unavailable"],
    [500, "unavailable"],
  ])("is enqueued by nobody when Stripe answers %i: %s", async (status, slug) => {
    api.fails = status;
    const { answer, sent } = await deliver(thinOf(REFUND));
    expect(answer).toMatchObject({ slug });
    expect((answer as Problem).message).not.toContain(KEY);
    expect(sent).toEqual([]);
    expect(api.asked).toHaveLength(1); // not tried again, and no redirect is followed
  });

  it("is enqueued by nobody when nobody answers", async () => {
    const { answer, sent } = await deliver(thinOf(REFUND), { STRIPE_API_URL: "http://127.0.0.1:9" });
    expect(answer).toMatchObject({ slug: "unavailable" });
    expect(sent).toEqual([]);
  });

  it("is enqueued by nobody when Stripe's answer is not JSON", async () => {
    api.says = "<html>";
    const { answer, sent } = await deliver(thinOf(REFUND));
    expect(answer).toMatchObject({ slug: "unavailable" });
    expect(sent).toEqual([]);
  });

  it("is not taken for another event than it says", async () => {
    for (const other of [
      { ...REFUND, type: "charge.succeeded" },
      { ...REFUND, livemode: true },
      { ...REFUND, id: "evt_x" },
    ]) {
      api.events.set(REFUND.id, other);
      const { answer, sent } = await deliver(thinOf(REFUND));
      expect(answer).toMatchObject({ slug: "unsupported-event" });
      expect(sent).toEqual([]);
    }
    api.thin.set("evt_thin", thinOf(REFUND));
    expect((await deliver(thinOf(REFUND))).answer).toMatchObject({ slug: "unsupported-event" });
  });

  it.each(["sk_test_51Abc", "rk_51Abc", "whsec_1"])("asks for a restricted key, not %s", async (key) => {
    const { answer } = await deliver(thinOf(REFUND), { STRIPE_API_KEY: key });
    expect(answer).toMatchObject({ slug: "not-configured" });
    expect((answer as Problem).message).not.toContain(key);
  });
});
