import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signStripeBody } from "../../cli/local/stripe/synthetic.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { requestsOf, type FuzzedRequest } from "./fuzzed-requests.ts";
import {
  CALLS,
  DOCUMENT,
  faultsOf,
  followed,
  type Answer,
  type DocumentedCall,
} from "../support/assertions/openapi.ts";
import { mine, purchase } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders } from "../support/assertions/problems.ts";
import { submit } from "../support/payments/sealed-payments.ts";

const OPERATORS = CALLS.filter(({ operator }) => operator);

/** Each run sends the same requests. FUZZ_SEED selects others, and FUZZ_RUNS the number for each call. */
const { FUZZ_SEED, FUZZ_RUNS } = process.env;
const SETTINGS = { seed: Number(FUZZ_SEED ?? 20_261_122), numRuns: Number(FUZZ_RUNS ?? 8) };

let pipeline: Pipeline;
const known: Record<string, string[]> = { blockNumber: ["0", "1"], assetId: ["deed-1"] };

beforeAll(async () => {
  pipeline = await startPipeline();
  known.txId = [await submit(pipeline, purchase({ assetId: "deed-1" }))];
  await mine(pipeline);
  known.txId.push(await submit(pipeline));
});
afterAll(() => pipeline.close());

const LARGE = 16 * 1024; // bytes that may still be on their way when the answer comes

/**
 * Sends the request, and repeats it if the connection closed. The gateway answers before it has read a large body and
 * then closes the connection, on which another request may just have been sent.
 */
async function send(
  request: FuzzedRequest,
  more: Record<string, string> = {},
  attempts = 5,
): Promise<Response> {
  const { method, path, headers, body } = request;
  const init = { method, headers: { ...headers, ...more }, ...(body && { body }) };
  const [outcome] = await Promise.allSettled([pipeline.fetch(path, init)]);
  const lost =
    outcome.status === "rejected" || ((body?.length ?? 0) > LARGE && (await isLost(outcome.value)));
  if (lost && attempts > 1) return send(request, more, attempts - 1);
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}

/** Recognises an answer that miniflare made in place of the gateway: it has no request id. */
async function isLost(response: Response): Promise<boolean> {
  if (response.status !== 500 || response.headers.has("x-request-id")) return false;
  return (await response.clone().text()).startsWith("Error: Network connection lost");
}

/** Sends the request, with the operator's secret or Stripe's signature if the call requires one. */
async function sendAsAllowed(call: DocumentedCall, request: FuzzedRequest): Promise<Response> {
  const { ADMIN_SECRET, STRIPE_WEBHOOK_SECRET } = pipeline.secrets;
  if (call.operator) return send(request, { "x-admin-secret": ADMIN_SECRET });
  if (call.path !== "/api/stripe/webhook" || "stripe-signature" in request.headers) return send(request);
  const body = new TextDecoder().decode(request.body);
  const signature = signStripeBody(body, STRIPE_WEBHOOK_SECRET, Math.floor(Date.now() / 1_000));
  return send(request, { "stripe-signature": signature });
}

const INTERNALS =
  /\n\s+at |\.ts\b|\.js:\d|node_modules|valibot|workerd|(?:Type|Reference|Range|Syntax)Error|SQLITE/i;

/** Expects a documented answer without a 5xx status and without internal details. */
async function expectDocumented(call: DocumentedCall, response: Response, method?: string): Promise<void> {
  expect(response.status, await shown(response)).toBeLessThan(500);
  expectHeaders(response);
  const text = await response.clone().text();
  if (call.path !== "/openapi.json") expect(text).not.toMatch(INTERNALS);
  const { SYSTEM_ENCRYPTION_PUBLIC_KEY: _, ...secrets } = pipeline.secrets;
  for (const [name, secret] of Object.entries(secrets)) expect(text.includes(secret), name).toBe(false);
  expect(await faultsOf(call, response, method)).toEqual([]);
}

async function shown(response: Response): Promise<string> {
  return `${response.status} ${(await response.clone().text()).slice(0, 500)}`;
}

describe("the fuzzer", () => {
  it.concurrent.for(CALLS)("finds no undocumented answer of $id [T9]", async (call) => {
    await fc.assert(
      fc.asyncProperty(requestsOf(call, known), async (request) => {
        const response = await sendAsAllowed(call, request);
        const { verdict } = request;
        const refused = response.status === 400 || response.status === 413;
        const said = await shown(response);
        if (verdict === "misfit")
          expect(refused, `the document does not take this request: ${said}`).toBe(true);
        if (verdict === "fits") expect(refused, `the document takes this request: ${said}`).toBe(false);
        await expectDocumented(call, response);
      }),
      SETTINGS,
    );
  });

  it.concurrent.for(OPERATORS)("gets nothing of $id but 401 without the secret", async (call) => {
    const secrets = fc.constantFrom("", "x", pipeline.secrets.ADMIN_SECRET.slice(1), "x".repeat(5_000));
    await fc.assert(
      fc.asyncProperty(requestsOf(call, known), fc.option(secrets), async (request, secret) => {
        const response = await send(request, secret === null ? {} : { "x-admin-secret": secret });
        expect(response.status, await shown(response)).toBe(401);
        await expectDocumented(call, response);
      }),
      SETTINGS,
    );
  });

  it.concurrent("is told which methods a path takes", async () => {
    const refusal = answeringOnly(405, "MethodNotAllowed");
    const methods = fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND");
    const paths = fc.constantFrom(...CALLS.map(({ path }) => path.replaceAll(/\{\w+\}/g, "1")));
    await fc.assert(
      fc.asyncProperty(methods, paths, async (method, path) => {
        const taken = CALLS.filter((call) => isAt(call, path)).map((call) => call.method as string);
        if (taken.includes(method === "HEAD" ? "GET" : method)) return;
        const headers = { "x-admin-secret": pipeline.secrets.ADMIN_SECRET };
        const response = await pipeline.fetch(path, { method, headers });
        expect(response.headers.get("allow")?.split(", ")).toEqual(expect.arrayContaining(taken));
        if (method === "OPTIONS") expect(response.status).toBe(204);
        else await expectDocumented(refusal, response, method);
      }),
      { ...SETTINGS, numRuns: SETTINGS.numRuns * 3 },
    );
  });

  it.concurrent("finds nothing at a path that no call has", async () => {
    const nowhere = answeringOnly(404, "NotFound");
    const odd = ["api", "vdc", "blocks", "..", "%2e%2e", "%00", "%ff", "//", "admin", ".env", "__proto__"];
    const segments = fc.oneof(fc.constantFrom(...odd), fc.webSegment());
    await fc.assert(
      fc.asyncProperty(fc.array(segments, { minLength: 1, maxLength: 6 }), async (parts) => {
        const { pathname } = new URL(`/x/${parts.join("/")}`, "http://localhost");
        if (pathname.startsWith("//") || CALLS.some((call) => isAt(call, pathname))) return; // `//…` would be another host's
        await expectDocumented(nowhere, await pipeline.fetch(pathname));
      }),
      SETTINGS,
    );
  });

  it("has left a chain behind that is whole, and no failure in the log [T9]", async () => {
    const failed = pipeline.harness.getLogs().filter(({ message }) => message.includes("request.failed"));
    expect(failed).toEqual([]);
    await checkChain(pipeline);
  });
});

/** Tells whether the path is the call's, with or without slashes at its end. */
function isAt({ path }: DocumentedCall, pathname: string): boolean {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+").replace(/\/$/, "")}/*$`).test(pathname);
}

/** Makes a call with this one documented answer. */
function answeringOnly(status: number, component: string): DocumentedCall {
  const answer = followed<Answer>(DOCUMENT.components.responses?.[component] ?? {});
  return {
    id: component,
    method: "GET",
    path: "",
    operator: false,
    signed: false,
    parameters: [],
    answers: { [status]: answer },
  };
}
