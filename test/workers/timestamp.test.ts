import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleForBrowser } from "../browser/bundle.ts";
import { EXAMPLES } from "../support/timestamps/examples.ts";
import type { VerifierQuestion } from "../support/timestamps/verifier-worker.ts";

let miniflare: Miniflare;
let size: number;

beforeAll(async () => {
  const bundle = await bundleForBrowser("test/support/timestamps/verifier-worker.ts");
  ({ size } = bundle);
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      telemetry: { enabled: false },
      cf: false,
      workers: [
        {
          name: "verifier",
          compatibilityDate: "2026-11-01",
          modules: [{ type: "ESModule", path: "index.js", contents: bundle.code }],
        },
      ],
    }),
  );
});
afterAll(() => miniflare.dispose());

async function verdict(question: VerifierQuestion): Promise<unknown> {
  const answer = await miniflare.dispatchFetch("http://verifier/", {
    method: "POST",
    body: JSON.stringify(question),
  });
  return answer.json();
}

// The bundle is the one that an app would make for browsers, so it needs nothing of Node.
describe("a time stamp in workerd", () => {
  it.for(EXAMPLES.stamps)("verifies with a key of $name", async ({ name, response, issuers }) => {
    const { data } = EXAMPLES;
    expect(await verdict({ response, data, issuers })).toMatchObject({
      authority: `C=CH, CN=authority ${name}`,
    });
    expect(await verdict({ response, data: `${data}x`, issuers })).toEqual({ reason: "wrong_imprint" });
  });

  it("is refused with the issuer of another stamp", async () => {
    const [first, second] = EXAMPLES.stamps;
    const question = { response: first?.response ?? "", data: EXAMPLES.data, issuers: second?.issuers ?? "" };
    expect(await verdict(question)).toEqual({ reason: "untrusted" });
  });

  it("takes a verifier of less than 150 kB", () => {
    expect(size).toBeLessThan(150_000);
  });
});
