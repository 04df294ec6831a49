import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createContext, Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkChain } from "../support/chain/check-chain.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { bundleForBrowser } from "./bundle.ts";
import { CHROMIUM, inChromium } from "./chromium.ts";
import { exampleIn, run } from "./example.ts";
import type { PageReport } from "./page.ts";

/** Bytes, minified and before compression. A third of them verify proofs: notes of the logs, and time stamps. */
const LIMIT = 320_000;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ vars: { MINE_AT_COUNT: "1" } });
});
afterAll(() => pipeline.close());

/** Parts of Node that browsers have had for years. WebCrypto lacks post-quantum algorithms, as in browsers. */
const BROWSER = {
  // The context has its own versions of these classes, but the platform's functions take and return these.
  ArrayBuffer,
  Uint8Array,
  fetch,
  Headers,
  Response,
  URL,
  URLSearchParams,
  AbortController,
  AbortSignal,
  Event,
  EventTarget,
  TextEncoder,
  TextDecoder,
  atob,
  btoa,
  crypto,
  performance,
  setTimeout,
  clearTimeout,
  queueMicrotask,
};

const ALL_DONE: PageReport = {
  done: [
    "made keys",
    "registered: mined",
    'kept metadata: {"name":"Alice L."}',
    "kept a document: the last will of somebody",
    "created and verified: true",
    "transferred: mined",
    "refused: invalid-user-signature, 36",
  ],
};

/** Issues an activation token for a new user, as an operator does. */
async function issueToken(): Promise<string> {
  const response = await pipeline.operate("/api/activation-tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const { token }: { token: string } = await response.json();
  return token;
}

/** Serves the page from an origin of its own. */
async function servePage(
  code: string,
): Promise<{ url: string; reported: Promise<PageReport>; server: Server }> {
  let told: (report: PageReport) => void;
  const reported = new Promise<PageReport>((resolve) => (told = resolve));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://page");
    if (request.method === "POST" && pathname === "/report") {
      let body = "";
      request.on("data", (data: Buffer) => (body += data.toString()));
      request.on("end", () => {
        response.writeHead(204).end();
        told(JSON.parse(body) as PageReport);
      });
    } else if (pathname === "/page.js")
      response.writeHead(200, { "content-type": "text/javascript" }).end(code);
    else if (pathname === "/")
      response
        .writeHead(200, { "content-type": "text/html" })
        .end('<!doctype html><title>waiting</title><script type="module" src="/page.js"></script>');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, reported, server };
}

describe("the client, bundled for a page", () => {
  it("holds nothing of Node's, and is small", async () => {
    const { code, size, inputs } = await bundleForBrowser("test/browser/page.ts");
    console.log(`all of shared/client, bundled and minified: ${size} bytes`);
    expect(code).not.toMatch(/["']node:|\brequire\(|\bprocess\.|(?<!globalThis\.)\bBuffer\b/);
    expect(inputs.filter((path) => /^(?:workers|cli|test)\//.test(path))).toEqual(["test/browser/page.ts"]);
    expect(size).toBeLessThan(LIMIT);
  });

  it("does what a page does with nothing but what a browser has", async () => {
    const { code } = await bundleForBrowser("test/browser/page-in-nothing.ts", "iife");
    const token = await issueToken();
    const reported = new Promise<PageReport>((resolve) => {
      const report = async (found: string) => resolve(JSON.parse(found) as PageReport);
      new Script(code).runInContext(createContext({ ...BROWSER, deployment: pipeline.url, token, report }));
    });
    expect(await reported).toEqual(ALL_DONE);
    await checkChain(pipeline);
  });

  it.skipIf(CHROMIUM === undefined)(
    "does it in Chromium, from another origin (needs Chromium: apt-get install chromium, or VDC_CHROMIUM)",
    async () => {
      const { code } = await bundleForBrowser("test/browser/page-in-browser.ts");
      const { url, reported, server } = await servePage(code);
      try {
        const query = new URLSearchParams({ deployment: pipeline.url, token: await issueToken() });
        const page = `${url}?${query.toString()}`;
        expect(await inChromium(CHROMIUM ?? "", page, reported)).toEqual(ALL_DONE);
      } finally {
        server.closeAllConnections();
        await new Promise<void>((resolve) => void server.close(() => resolve()));
      }
      await checkChain(pipeline);
    },
  );
});

describe("the example for apps", () => {
  it("runs as docs/client.md has it", async () => {
    const { code, said } = await run(exampleIn("docs/client.md"), pipeline.url);
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^block \d+: my last will$/m) });
  });

  it("is the same wherever the README shows it", () => {
    const shown = exampleIn("README.md");
    if (shown !== "") expect(shown).toBe(exampleIn("docs/client.md"));
  });
});
