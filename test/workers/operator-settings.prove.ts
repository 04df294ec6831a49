import { describe, expect, it } from "vitest";
import { call, operatorCalls } from "./operator-calls.ts";
import { withPipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";

describe("an operator's secret", () => {
  it.each([
    ["is not set", "", "is not set"],
    ["is a placeholder", "change-me-please-1234567890", "too weak"],
  ])("that %s lets nobody in: every call fails closed [T26]", async (_, secret, says) => {
    await withPipeline({ secrets: { ADMIN_SECRET: secret } }, async (pipeline) => {
      for (const operatorCall of await operatorCalls(pipeline))
        for (const given of [undefined, secret, "undefined"]) {
          const response = await call(
            pipeline,
            operatorCall,
            given === undefined ? {} : { "x-admin-secret": given },
          );
          const { detail } = await expectProblem(response, "operators-not-configured", operatorCall.path);
          expect(detail).toContain(says);
        }
      expect((await pipeline.fetch("/api/health")).status).toBe(200);
    });
  });

  it("may be missing where Cloudflare Access is configured, and then only Access lets in [T26]", async () => {
    const options = { secrets: { ADMIN_SECRET: "" }, vars: { ACCESS_AUD: "f".repeat(64) } };
    await withPipeline(options, async (pipeline) => {
      const given: Record<string, string>[] = [
        {},
        { "x-admin-secret": "undefined" },
        { "cf-access-jwt-assertion": "eyJhbGciOiJub25lIn0.e30.", "cf-access-aud": "f".repeat(64) },
      ];
      for (const operatorCall of await operatorCalls(pipeline))
        for (const headers of given)
          await expectProblem(await call(pipeline, operatorCall, headers), "unauthorized", operatorCall.path);
    });
  });
});
