import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { signStripeBody, syntheticRefund, syntheticRefundEvent } from "../../cli/local/stripe/synthetic.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { checkChain, pendingKeys } from "../support/chain/check-chain.ts";
import { mine, purchase, status, untilWaiting } from "../support/payments/payments.ts";
import { withPipeline, type Pipeline, type PipelineOptions } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { fixture } from "../support/chain/vectors.ts";

// Each of these settings needs a start of every Worker.

const NEW_SECRET = "whsec_3b1f9d0c7a5e48f2a6d40e9b";

/** Posts the event as Stripe does, signed with this secret. */
async function deliver(pipeline: Pipeline, event: unknown, secret: string): Promise<Response> {
  const body = JSON.stringify(event);
  const signature = signStripeBody(body, secret, Math.floor(Date.now() / 1_000));
  return pipeline.fetch("/api/stripe/webhook", {
    method: "POST",
    headers: { "stripe-signature": signature },
    body,
  });
}

describe("the family of events", () => {
  it("is the only one that is taken", async () => {
    const event = fixture("stripe/invoice.paid.json");
    await withPipeline({ vars: { STRIPE_EVENT_FAMILY: "invoice" } }, async (pipeline) => {
      const secret = pipeline.secrets.STRIPE_WEBHOOK_SECRET;
      const response = await deliver(pipeline, event, secret);
      const { txId, type } = await response.json<{ txId: string; type: string }>();
      expect(response.status).toBe(200);
      const other = await deliver(pipeline, purchase(), secret);
      expect(await other.json()).toEqual({ received: true, ignored: "other_family" });
      await untilWaiting(pipeline, 1);
      expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);
      expect(["payment", "asset_creation"]).toContain(type);
    });
  });
});

describe("the family of refunds", () => {
  it("is the only one that is taken, and a failure names its refund", async () => {
    await withPipeline({ vars: { STRIPE_REFUND_FAMILY: "refund" } }, async (pipeline) => {
      const secret = pipeline.secrets.STRIPE_WEBHOOK_SECRET;
      const paid = purchase();
      const told = async (event: unknown) =>
        (await deliver(pipeline, event, secret)).json<{ txId: string; ignored?: string }>();
      const { txId } = await told(paid);
      expect(await told(syntheticRefund(paid))).toEqual({ received: true, ignored: "other_family" });
      const refund = await told(syntheticRefundEvent(paid, { type: "refund.created", status: "succeeded" }));
      const failure = await told(syntheticRefundEvent(paid, { type: "refund.failed", status: "failed" }));
      await untilWaiting(pipeline, 3);
      await mine(pipeline);
      const mined = (await checkChain(pipeline)).flatMap(({ transactions }) => transactions);
      expect(mined.find(({ id }) => id === refund.txId)?.data).toEqual({ refunds: txId });
      expect(mined.find(({ id }) => id === failure.txId)?.data).toEqual({
        failed: refund.txId,
        refunds: txId,
      });
    });
  });
});

describe("a thin event", () => {
  it("is fetched by a Worker too, and becomes the transaction of its snapshot event", async () => {
    const refund = syntheticRefund(purchase());
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(refund));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const options = {
      vars: { STRIPE_API_URL: `http://127.0.0.1:${port}` },
      secrets: { STRIPE_API_KEY: "rk_test_51Abc0000000000000000" },
    };
    try {
      await withPipeline(options, async (pipeline) => {
        const secret = pipeline.secrets.STRIPE_WEBHOOK_SECRET;
        const thin = {
          id: "evt_thin",
          object: "v2.core.event",
          type: "v1.charge.refunded",
          livemode: false,
          snapshot_event: refund.id,
        };
        const { txId } = await (await deliver(pipeline, thin, secret)).json<{ txId: string }>();
        const direct = await (await deliver(pipeline, refund, secret)).json<{ txId: string }>();
        expect(txId).toBe(direct.txId);
        expect(asked).toEqual(["Bearer rk_test_51Abc0000000000000000"]);
      });
    } finally {
      server.close();
    }
  });
});

describe("without a whole configuration", () => {
  const misfits: { what: string; options: PipelineOptions; says: string }[] = [
    {
      what: "no Stripe secret",
      options: { secrets: { STRIPE_WEBHOOK_SECRET: "" } },
      says: "STRIPE_WEBHOOK_SECRET is not set",
    },
    {
      what: "a weak Stripe secret beside a good one",
      options: { secrets: { STRIPE_WEBHOOK_SECRET: `${NEW_SECRET},whsec_changeme` } },
      says: "STRIPE_WEBHOOK_SECRET is too weak or a placeholder",
    },
    {
      what: "a public key that is none",
      options: { secrets: { SYSTEM_ENCRYPTION_PUBLIC_KEY: "A".repeat(1579) } },
      says: "SYSTEM_ENCRYPTION_PUBLIC_KEY",
    },
    {
      what: "an unknown family",
      options: { vars: { STRIPE_EVENT_FAMILY: "payments" } },
      says: "STRIPE_EVENT_FAMILY must be one of",
    },
    {
      what: "an unknown family of refunds",
      options: { vars: { STRIPE_REFUND_FAMILY: "refunds" } },
      says: "STRIPE_REFUND_FAMILY must be one of",
    },
    {
      what: "a key of Stripe that may do anything",
      options: { secrets: { STRIPE_API_KEY: "sk_test_51Abc0000000000000000" } },
      says: "STRIPE_API_KEY must be a restricted key",
    },
  ];

  it.each(misfits)("($what) nothing is taken in, and /api/ready says so", async ({ options, says }) => {
    await withPipeline(options, async (pipeline) => {
      const configured = pipeline.secrets.STRIPE_WEBHOOK_SECRET.split(",")[0] || NEW_SECRET;
      const response = await deliver(pipeline, purchase(), configured);
      expect(response.headers.get("retry-after")).toBe("60");
      const problem = await expectProblem(response, "not-configured");
      expect(problem.detail).toContain(says);
      if (pipeline.secrets.STRIPE_WEBHOOK_SECRET !== "")
        expect(JSON.stringify(problem)).not.toContain(configured);

      const ready = await pipeline.fetch("/api/ready");
      expect(ready.status).toBe(503);
      const body: { ready: boolean; checks: Record<string, { ok: boolean; detail?: string }> } =
        await ready.json();
      expect(body).toMatchObject({ ready: false, checks: { kv: { ok: true }, ingest: { ok: false } } });
      expect(body.checks.ingest?.detail).toContain(says);
      expect((await status(pipeline)).counts.pending).toBe(0);
    });
  });
});
