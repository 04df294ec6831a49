import { describe, expect, it } from "vitest";
import { VdcProblem, VdcUnreachable } from "../../../../shared/client/problem.ts";
import { Transport } from "../../../../shared/client/transport.ts";
import { serve, type Answered } from "../../cli/server.ts";
import { UNLESS_IT_HANGS } from "../../../support/stack/patience.ts";

const inTurn = (...answers: readonly Answered[]) => {
  let turn = 0;
  return serve(() => answers[Math.min(turn++, answers.length - 1)] as Answered);
};
const away: Answered = { status: 503, problem: "unavailable", headers: { "retry-after": "0.01" } };

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error,
  );
}

describe("a request of the client", () => {
  it("is made again with the same bytes when the failure may pass, also when it changes something", async () => {
    const { url, asked } = await inTurn(away, { cut: true }, { status: 202, body: { n: 1 } });
    const body = { hello: "world" };
    expect(await new Transport(url).json("/api/x", { method: "POST", body })).toEqual({ n: 1 });
    expect(asked.map(({ method, body }) => `${method} ${body}`)).toEqual(
      Array.from({ length: 3 }, () => 'POST {"hello":"world"}'),
    );
  });

  it("is not made again when it was refused, and the problem tells why in the words of the deployment", async () => {
    const { url, asked } = await inTurn({ status: 409, problem: "stale-version", detail: "there is a 7" });
    const problem = await failureOf(new Transport(url).json("/api/x"));
    expect(problem).toBeInstanceOf(VdcProblem);
    expect(problem).toMatchObject({
      type: "urn:vdc:problem:stale-version",
      slug: "stale-version",
      status: 409,
      detail: "there is a 7",
      requestId: "r-1",
      message: "there is a 7",
    });
    expect(asked).toHaveLength(1);
  });

  it("is not made again at once when it is to wait for minutes: the caller is told", async () => {
    const { url, asked } = await inTurn({
      status: 429,
      problem: "rate-limited",
      headers: { "retry-after": "600" },
    });
    expect(await failureOf(new Transport(url).json("/api/x"))).toMatchObject({ slug: "rate-limited" });
    expect(asked).toHaveLength(1);
  });

  it("takes an answer of something else for no answer of VDC, whatever its status", async () => {
    for (const answer of [
      { body: "<h1>Welcome to our network</h1>" },
      { status: 403, body: "<h1>Forbidden</h1>" },
      { status: 404, body: { type: "about:blank", title: "no" } },
    ] satisfies Answered[]) {
      const { url } = await inTurn(answer);
      expect(await failureOf(new Transport(url).json("/api/x"))).toBeInstanceOf(VdcUnreachable);
    }
  });

  it("ends with the caller's own reason when the caller aborts it, in a request or between two", async () => {
    const { url, asked } = await inTurn({
      status: 503,
      problem: "unavailable",
      headers: { "retry-after": "20" },
    });
    const controller = new AbortController();
    const asking = failureOf(new Transport(url).json("/api/x", { signal: controller.signal }));
    await expect.poll(() => asked.length, UNLESS_IT_HANGS).toBe(1);
    controller.abort(new Error("the page was left"));
    expect(await asking).toEqual(new Error("the page was left"));
    const again = new Transport(url).json("/api/x", { signal: controller.signal });
    expect(await failureOf(again)).toEqual(new Error("the page was left"));
  });
});
