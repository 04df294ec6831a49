import { describe, expect, it } from "vitest";
import { failureOf, VdcProblem, VdcUnreachable } from "../../../../shared/client/problem.ts";
import type { Attempt } from "../../../../shared/client/transport.ts";
import { isSettled } from "../../../../shared/client/settled.ts";
import { StillWaiting, waitUntil, type Patience } from "../../../../shared/client/wait-until.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { PROBLEMS, problemType, type ProblemSlug } from "../../../../shared/http/problems.ts";

const TX = `vdc_tx_${"a".repeat(40)}`;

const seen = (status: object): Attempt => ({ bytes: utf8(JSON.stringify({ txId: TX, ...status })) });
const pending = seen({ state: "pending" });
const mined = seen({ state: "mined", blockNumber: 3, index: 0 });

function problem(slug: ProblemSlug, retryAfter?: string): Attempt {
  const { status, title } = PROBLEMS[slug];
  const failure = failureOf({ call: "GET x", status, body: { type: problemType(slug), title } });
  return { failure, status, slug, ...(retryAfter !== undefined && { retryAfter }) };
}

/** Serves the attempts in turn and then repeats the last one. Time passes on a clock of its own. */
async function waitFor(attempts: readonly Attempt[], patience: Patience = {}) {
  let now = 0;
  const looks: number[] = [];
  const result = await waitUntil(
    TX,
    async () => {
      looks.push(now);
      return attempts[Math.min(looks.length, attempts.length) - 1] as Attempt;
    },
    isSettled,
    patience,
    {
      now: () => now,
      async pause(milliseconds, signal) {
        signal?.throwIfAborted();
        now += milliseconds;
      },
    },
  ).catch((error: unknown) => error);
  return { result, looks };
}

describe("waiting until a transaction is mined", () => {
  it("goes on while it is not known yet, waits for its payment, or is in a block that is being made", async () => {
    const states = [
      problem("not-found"),
      seen({ state: "awaiting_payment" }),
      pending,
      seen({ state: "reserved", blockNumber: 3 }),
      mined,
    ];
    const { result, looks } = await waitFor(states);
    expect(result).toMatchObject({ state: "mined", blockNumber: 3 });
    expect(looks).toHaveLength(5);
  });

  it.for([{ state: "set_aside", reason: "not_owner" }, { state: "expired" }])(
    "ends when it never will be: $state",
    async (status) => {
      expect(await waitFor([pending, seen(status)])).toMatchObject({ result: status, looks: [0, 500] });
    },
  );

  it("looks less and less often, and never more than six times a minute in the end", async () => {
    const { looks } = await waitFor([pending], { timeout: 3_600_000 });
    const pauses = looks.slice(1).map((at, i) => at - (looks[i] as number));
    expect(pauses[0]).toBe(500);
    expect(pauses.slice(0, -1).toSorted((a, b) => a - b)).toEqual(pauses.slice(0, -1));
    expect(pauses.at(-2)).toBe(10_000);
  });

  it("looks again no sooner than it was told to", async () => {
    const { looks } = await waitFor([problem("rate-limited", "42"), problem("unavailable", "7"), mined]);
    expect(looks).toEqual([0, 42_000, 49_000]);
  });

  it("outlasts a network that is away, for as long as it has patience", async () => {
    const away: Attempt = { failure: new VdcUnreachable("away"), cause: new TypeError("fetch failed") };
    const { result } = await waitFor([away, away, away, away, away, away, mined]);
    expect(result).toMatchObject({ state: "mined" });
  });

  it("ends at once for what time does not mend", async () => {
    const { result, looks } = await waitFor([problem("invalid-parameter")]);
    expect(result).toBeInstanceOf(VdcProblem);
    expect(looks).toHaveLength(1);
  });

  it("says where it was last seen when its time is over, and waits for no Retry-After beyond it", async () => {
    const late = await waitFor([pending], { timeout: 60_000 });
    expect(late.result).toBeInstanceOf(StillWaiting);
    expect(late.result).toMatchObject({ last: { state: "pending" } });
    expect(late.looks.at(-1)).toBe(60_000);
    const told = await waitFor([pending, problem("rate-limited", "3600")], { timeout: 60_000 });
    expect(told).toMatchObject({ result: { last: { state: "pending" } }, looks: [0, 500] });
  });

  it("ends with the caller's reason when the caller aborts it", async () => {
    const signal = AbortSignal.abort(new Error("the page was left"));
    expect((await waitFor([pending], { signal })).result).toEqual(new Error("the page was left"));
  });
});
