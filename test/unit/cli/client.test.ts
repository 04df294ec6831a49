import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { Client } from "../../../cli/http/client.ts";
import { CommandFailure, EXIT } from "../../../cli/output/failure.ts";
import { pauseBefore } from "../../../shared/client/retry.ts";
import { PROBLEMS, type ProblemSlug } from "../../../shared/http/problems.ts";
import { serve, type Answered, type Served } from "./server.ts";

async function failureOf(work: Promise<unknown>): Promise<CommandFailure> {
  const error: unknown = await work.then(
    () => "no failure",
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(CommandFailure);
  return error as CommandFailure;
}

const always = (answer: Answered): Promise<Served> => serve(() => answer);

/** Serves these answers in turn, and then repeats the last one. */
const inTurn = (...answers: readonly Answered[]): Promise<Served> => {
  let next = 0;
  return serve(() => answers[Math.min(next++, answers.length - 1)] as Answered);
};

describe("an answer that is a problem", () => {
  const codes: Partial<Record<ProblemSlug, number>> = {
    "invalid-signature": EXIT.refused,
    "invalid-body": EXIT.usage,
    "invalid-parameter": EXIT.usage,
    unauthorized: EXIT.refused,
    "not-found": EXIT.notFound,
    "method-not-allowed": EXIT.failure,
    "body-too-large": EXIT.usage,
    "internal-error": EXIT.failure,
    "operators-not-configured": EXIT.refused,
    "not-configured": EXIT.unknown,
    unavailable: EXIT.unknown,
  };
  it.for(Object.entries(codes))("%s ends with exit code %i", async ([slug, exitCode]) => {
    const { status } = PROBLEMS[slug as ProblemSlug];
    const { url } = await always({ status, problem: slug });
    expect((await failureOf(new Client(url).send("POST", "/api/x"))).exitCode).toBe(exitCode);
  });

  it("is a refusal when it is a conflict, whatever its name", async () => {
    const { url } = await always({ status: 409, problem: "some-new-conflict" });
    expect((await failureOf(new Client(url).send("POST", "/api/x"))).exitCode).toBe(EXIT.refused);
  });

  it("is shown with its detail, the call, its name and the request's id", async () => {
    const { url } = await always({ status: 404, problem: "not-found", detail: "There is no block 7." });
    const { message } = await failureOf(new Client(url).send("GET", "/api/vdc/blocks/7"));
    expect(message).toBe(
      `There is no block 7.\n  (GET ${url}/api/vdc/blocks/7 answered 404 not-found, request r-1)`,
    );
  });

  it("says where the secret is to be put when it was not taken, and repeats none of it", async () => {
    const { url } = await always({ status: 401, problem: "unauthorized" });
    const client = new Client(url, { "x-admin-secret": "a-secret-of-an-operator" });
    const { message } = await failureOf(client.send("GET", "/api/vdc/status"));
    expect(message).toContain("VDC_ADMIN_SECRET");
    expect(message).not.toContain("a-secret");
  });
});

describe("an answer of something that is no deployment", () => {
  it.for([
    ["a page", { body: "<html>hello</html>" }],
    ["an error page", { status: 404, body: "<html>not found</html>" }],
    ["JSON of another kind", { status: 404, body: { error: "no such route" } }],
  ] as const)("%s: nothing is known", async ([, answer]) => {
    const { url } = await always(answer);
    const { exitCode, message } = await failureOf(new Client(url).send("GET", "/api/x"));
    expect(exitCode).toBe(EXIT.unknown);
    expect(message).toContain("is this the address of a VDC deployment");
  });

  it("a redirect is not followed, for it would take the secret along [T28]", async () => {
    const other = await always({ body: {} });
    const { url } = await always({ status: 302, headers: { location: `${other.url}/login` } });
    const { exitCode, message } = await failureOf(
      new Client(url, { "x-admin-secret": "s" }).send("GET", "/api/x"),
    );
    expect(exitCode).toBe(EXIT.unknown);
    expect(message).toContain(`to ${other.url}`);
    expect(other.asked).toEqual([]);
  });
});

describe("what can't be reached", () => {
  it("is said to be so, at once, with what to do", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { exitCode, message } = await failureOf(new Client(url).send("GET", "/api/x"));
    expect(exitCode).toBe(EXIT.unknown);
    expect(message).toContain(`${url} can't be reached`);
    expect(message).toContain("npm start");
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

const failed = (retryAfter: string | null) => ({
  status: 503,
  retryAfter,
});

describe("a request that failed for the moment", () => {
  const away: Answered = { status: 503, problem: "unavailable", headers: { "retry-after": "0.01" } };

  it("is made again, and its answer taken", async () => {
    const { url, asked } = await inTurn(away, away, { body: { n: 1 } });
    expect((await new Client(url).send("GET", "/api/x")).body).toEqual({ n: 1 });
    expect(asked).toHaveLength(3);
  });

  it("is given up after four attempts", async () => {
    const { url, asked } = await always(away);
    expect((await failureOf(new Client(url).send("GET", "/api/x"))).exitCode).toBe(EXIT.unknown);
    expect(asked).toHaveLength(4);
  });

  it("is made again when the connection was cut", async () => {
    const { url, asked } = await inTurn({ cut: true }, { body: { n: 1 } });
    expect((await new Client(url).send("GET", "/api/x")).body).toEqual({ n: 1 });
    expect(asked).toHaveLength(2);
  });

  it("is not made again when it is a POST: it may have been done", async () => {
    const { url, asked } = await always(away);
    await failureOf(new Client(url).send("POST", "/api/x"));
    expect(asked).toHaveLength(1);
  });

  it("is made again when it is a POST with an idempotency key, and the key stays", async () => {
    const { url, asked } = await inTurn(away, { body: { n: 1 } });
    const request = { body: {}, idempotencyKey: "key-1" };
    expect((await new Client(url).send("POST", "/api/x", request)).body).toEqual({ n: 1 });
    expect(asked.map(({ headers }) => headers["idempotency-key"])).toEqual(["key-1", "key-1"]);
  });

  it.for([
    ["what nobody has configured", { status: 503, problem: "not-configured" }],
    ["a refusal", { status: 409, problem: "run-active" }],
    ["a failure inside", { status: 500, problem: "internal-error" }],
  ] as const)("is not made again for %s", async ([, answer]) => {
    const { url, asked } = await always(answer);
    await failureOf(new Client(url).send("GET", "/api/x"));
    expect(asked).toHaveLength(1);
  });

  it("waits as long as it is told to, longer each time when it is not told, and never for minutes", () => {
    expect(pauseBefore(2, failed("7"))).toBe(7_000);
    expect([2, 3, 4].map((attempt) => pauseBefore(attempt, failed(null)))).toEqual([500, 1_000, 2_000]);
    expect(pauseBefore(5, failed(null))).toBeUndefined();
    expect(pauseBefore(2, failed("300"))).toBeUndefined();
  });
});

describe("a request", () => {
  it("carries its query, its body and its headers", async () => {
    const { url, asked } = await always({ body: {} });
    const client = new Client(url, { "x-operator": "alice" });
    await client.send("POST", "/api/x", {
      query: { a: 1, b: "é ü", c: undefined, d: false },
      body: { hello: "world" },
    });
    await client.send("PUT", "/api/y", { body: new TextEncoder().encode("exactly these") });
    expect(asked.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: "POST", path: "/api/x?a=1&b=%C3%A9+%C3%BC&d=false", body: '{"hello":"world"}' },
      { method: "PUT", path: "/api/y", body: "exactly these" },
    ]);
    expect(asked[0]?.headers).toMatchObject({ "x-operator": "alice", "content-type": "application/json" });
  });

  it("takes an answer that only its caller understands", async () => {
    const { url } = await always({ status: 503, body: { ready: false } });
    const { status, body } = await new Client(url).ask("GET /api/ready", { accept: [503] });
    expect({ status, body }).toEqual({ status: 503, body: { ready: false } });
  });
});
