import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { consume, consumeTogether, type StageEnv } from "../../../../shared/queue/consume.ts";
import { retryDelay } from "../../../../shared/queue/retry-delay.ts";
import { Permanent, PERMANENT_REASONS, RetryLater } from "../../../../shared/runtime/errors.ts";
import { DeadLetter } from "../../../../shared/queue/messages.ts";
import type { Observation } from "../../../../shared/objects/monitor.ts";
import { QUEUE_MESSAGE_BYTES } from "../../../../shared/storage/limits.ts";
import {
  QUEUE_RETENTION_SECONDS,
  RETRIED_FOR_SECONDS,
  STAGES,
  WORKERS,
} from "../../../../shared/pipeline.ts";

const Work = v.strictObject({ n: v.number() });
const LAST_ATTEMPT = WORKERS.miner.consumes.max_retries + 1;

/** Makes a batch as the platform delivers it, and records the fate of each message. */
function batchOf(...messages: { body: unknown; attempts?: number; ageSeconds?: number }[]) {
  const fates: (string | undefined)[] = messages.map(() => undefined);
  const settle = (i: number, fate: string) => {
    if (fates[i] !== undefined) throw new Error(`message ${i} is settled twice`);
    fates[i] = fate;
  };
  const batch = {
    queue: "vdc-miner",
    messages: messages.map(({ body, attempts = 1, ageSeconds = 0 }, i) => ({
      id: `message-${i}`,
      timestamp: new Date(Date.now() - ageSeconds * 1_000),
      body,
      attempts,
      ack: () => settle(i, "ack"),
      retry: ({ delaySeconds }: { delaySeconds?: number } = {}) => settle(i, `retry ${delaySeconds}`),
    })),
    ackAll: () => expect.unreachable("settles message by message"),
    retryAll: () => expect.unreachable("settles message by message"),
  };
  return { batch: batch as unknown as MessageBatch, fates };
}

function deadLetterQueue(fails = false) {
  const sent: DeadLetter[] = [];
  const send = async (letter: DeadLetter) => {
    if (fails) throw new Error("the queue is down");
    sent.push(letter);
  };
  const reported: Observation[] = [];
  const report = async (observations: readonly Observation[]) => void reported.push(...observations);
  const MONITOR = { getByName: () => ({ report }) };
  const env = { DEAD_LETTER_QUEUE: { send }, RETRY_BASE_SECONDS: "10", MONITOR } as unknown as StageEnv;
  return { env, sent, reported };
}

/** Makes a context that records the work after the batch. */
function contextOf() {
  const after: Promise<unknown>[] = [];
  return { waitUntil: (work: Promise<unknown>) => void after.push(work), ended: () => Promise.all(after) };
}

/** Delivers one message to a stage that does this work. */
async function settle(
  work: () => Promise<void>,
  options: { attempts?: number; ageSeconds?: number; body?: unknown; fails?: boolean } = {},
) {
  const { attempts = 1, ageSeconds = 0, fails = false } = options;
  const body = "body" in options ? options.body : { n: 1 };
  const { batch, fates } = batchOf({ body, attempts, ageSeconds });
  const { env, sent } = deadLetterQueue(fails);
  await consume("miner", Work, work)(batch, env, contextOf());
  return { fate: fates[0], sent };
}

const fail = (error: unknown) => async () => {
  throw error;
};

/** Fails, succeeds or waits, by the number in the message. */
async function byNumber({ n }: { n: number }): Promise<void> {
  if (n === 2) throw new Error("once more");
  if (n === 3) throw new Permanent("undecryptable", "never");
  if (n === 4) throw new RetryLater(33, "later");
}

describe("a message", () => {
  beforeEach(() => {
    for (const name of ["log", "warn", "error"] as const) vi.spyOn(console, name).mockReturnValue();
    vi.spyOn(Math, "random").mockReturnValue(0);
  });
  afterEach(() => vi.restoreAllMocks());

  it("is acked when it is done, and only then", async () => {
    let done = false;
    const work = async () => {
      await Promise.resolve();
      done = true;
    };
    expect(await settle(work)).toEqual({ fate: "ack", sent: [] });
    expect(done).toBe(true);
  });

  it("is handed to the stage as its schema reads it, with the stage's environment", async () => {
    const seen: unknown[] = [];
    const { batch } = batchOf({ body: { n: 7 } });
    const { env } = deadLetterQueue();
    await consume("miner", Work, async (body, given) => void seen.push(body, given))(batch, env, contextOf());
    expect(seen).toEqual([{ n: 7 }, env]);
  });

  it("goes to the dead letters with its reason when it can't succeed, then is acked", async () => {
    for (const reason of PERMANENT_REASONS) {
      const { fate, sent } = await settle(fail(new Permanent(reason, "it is so")), { attempts: 3 });
      expect(fate).toBe("ack");
      expect(sent).toEqual([
        {
          v: 1,
          kind: "dead_letter",
          stage: "miner",
          reason,
          error: "it is so",
          attempts: 3,
          failedAt: expect.any(Number),
          message: { n: 1 },
        },
      ]);
      expect(v.is(DeadLetter, sent[0])).toBe(true);
    }
  });

  it("is retried when it fails otherwise, later each time", async () => {
    const delays: (string | undefined)[] = [];
    for (const attempts of [1, 2, 3, 4, 10, LAST_ATTEMPT - 1]) {
      const { fate, sent } = await settle(fail(new Error("R2 is down")), { attempts });
      expect(sent).toEqual([]);
      delays.push(fate);
    }
    expect(delays).toEqual(["retry 8", "retry 16", "retry 32", "retry 64", "retry 240", "retry 4800"]);
  });

  it("is retried after just the time for which it is to wait", async () => {
    const { fate, sent } = await settle(fail(new RetryLater(77, "rate limited")));
    expect({ fate, sent }).toEqual({ fate: "retry 77", sent: [] });
  });

  it("is a dead letter when it fails the last time, whatever it failed of", async () => {
    for (const error of [new Error("R2 is down"), new RetryLater(60, "rate limited"), "a text", undefined]) {
      const { fate, sent } = await settle(fail(error), { attempts: LAST_ATTEMPT });
      expect(fate).toBe("ack");
      expect(sent).toMatchObject([{ reason: "retries_exhausted", attempts: LAST_ATTEMPT }]);
    }
  });

  it("is given up while its queue still keeps it, and not before: a message that expires is in no dead-letter queue", async () => {
    for (const error of [new Error("R2 is down"), new RetryLater(43_200, "rate limited")])
      for (const attempts of [1, 60, LAST_ATTEMPT - 1]) {
        const asked = error instanceof RetryLater ? 43_200 : 0;
        const early = await settle(fail(error), {
          attempts,
          ageSeconds: RETRIED_FOR_SECONDS - 6_000 - asked - 10,
        });
        expect(early.fate).toMatch(/^retry/);
        const late = await settle(fail(error), { attempts, ageSeconds: RETRIED_FOR_SECONDS - asked });
        expect(late).toMatchObject({ fate: "ack", sent: [{ reason: "retries_exhausted", attempts }] });
      }
  });

  it("is retried, not acked, when no dead-letter queue takes it", async () => {
    const options = { attempts: 2, fails: true };
    expect((await settle(fail(new Permanent("missing", "gone")), options)).fate).toBe("retry 16");
    const last = await settle(fail(new Error("R2 is down")), { ...options, attempts: LAST_ATTEMPT });
    expect(last.fate).toMatch(/^retry \d+$/);
  });

  it("is a dead letter, as it came, when it does not fit its schema, and no stage sees it", async () => {
    for (const body of [undefined, null, 5, "text", [], {}, { n: "1" }, { n: 1, more: true }]) {
      let ran = false;
      const { fate, sent } = await settle(async () => void (ran = true), { body });
      expect(ran).toBe(false);
      expect(fate, JSON.stringify(body)).toBe("ack");
      expect(sent).toMatchObject([{ reason: "malformed_message", attempts: 1 }]);
      expect(sent[0]?.message).toEqual(body);
    }
  });

  it("leaves no secret and no e-mail address of an error in its dead letter or the log [T66]", async () => {
    const error = new Error("401 for ann@example.com with Bearer eyJhbGciOi.eyJzdWIi.c2ln and whsec_abc123");
    const { sent } = await settle(fail(error), { attempts: LAST_ATTEMPT });
    await settle(fail(error));
    const logged = ["log", "warn", "error"].flatMap(
      (name) => vi.mocked(console[name as "log"]).mock.calls as unknown[][],
    );
    expect(logged.length).toBeGreaterThan(1);
    expect(JSON.stringify([sent, logged])).not.toMatch(/ann@|eyJhbGciOi|whsec_/);
  });

  it("keeps its dead letter within a queue's limit, however long the error and the message", async () => {
    const body = { n: 1, more: "x".repeat(QUEUE_MESSAGE_BYTES - 20) };
    const { sent } = await settle(fail(new Error("e".repeat(100_000))), { body });
    expect(JSON.stringify(body).length).toBeLessThanOrEqual(QUEUE_MESSAGE_BYTES);
    expect(JSON.stringify(sent[0]).length).toBeLessThan(128_000);
    const { sent: failed } = await settle(fail(new Permanent("missing", "e".repeat(100_000))));
    expect(failed[0]?.error.length).toBeLessThanOrEqual(500);
  });
});

describe("a batch", () => {
  beforeEach(() => {
    for (const name of ["log", "warn", "error"] as const) vi.spyOn(console, name).mockReturnValue();
    vi.spyOn(Math, "random").mockReturnValue(0);
  });
  afterEach(() => vi.restoreAllMocks());

  it("has an outcome for each message by itself", async () => {
    const { batch, fates } = batchOf(
      ...[1, 2, 3, 4].map((n) => ({ body: { n } })),
      { body: "rubbish" },
      { body: { n: 2 }, attempts: LAST_ATTEMPT },
      { body: { n: 1 } },
    );
    const { env, sent } = deadLetterQueue();
    await consume("miner", Work, byNumber)(batch, env, contextOf());
    expect(fates).toEqual(["ack", "retry 8", "ack", "retry 33", "ack", "ack", "ack"]);
    expect(sent.map(({ reason }) => reason).toSorted()).toEqual([
      "malformed_message",
      "retries_exhausted",
      "undecryptable",
    ]);
  });

  it("goes on after a stage that throws before its first await", async () => {
    const { batch, fates } = batchOf(...[1, 2, 1].map((n) => ({ body: { n } })));
    await consume("miner", Work, ({ n }) => {
      if (n === 2) throw new Error("at once");
      return Promise.resolve();
    })(batch, deadLetterQueue().env, contextOf());
    expect(fates).toEqual(["ack", "retry 8", "ack"]);
  });

  it("is done one message after the other", async () => {
    let running = 0;
    let most = 0;
    const { batch } = batchOf(...[1, 2, 3].map((n) => ({ body: { n } })));
    await consume("miner", Work, async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    })(batch, deadLetterQueue().env, contextOf());
    expect(most).toBe(1);
  });

  it("may be done together, with an outcome for each in their order", async () => {
    const { batch, fates } = batchOf(
      { body: { n: 1 } },
      { body: null },
      { body: { n: 2 } },
      { body: { n: 3 } },
    );
    const { env, sent } = deadLetterQueue();
    await consumeTogether("miner", Work, (messages) => Promise.allSettled(messages.map(byNumber)))(
      batch,
      env,
      contextOf(),
    );
    expect(fates).toEqual(["ack", "ack", "retry 8", "ack"]);
    expect(sent.length).toBe(2);
  });

  it("is not handed over at all when nothing in it can be read", async () => {
    const { batch, fates } = batchOf({ body: null }, { body: 1 });
    let ran = false;
    const work = async () => {
      ran = true;
      return [];
    };
    await consumeTogether("miner", Work, work)(batch, deadLetterQueue().env, contextOf());
    expect({ fates, ran }).toEqual({ fates: ["ack", "ack"], ran: false });
  });

  it("fails for each of its messages when it fails as a whole", async () => {
    for (const work of [
      () => Promise.reject(new Error("no connection")),
      () => {
        throw new Error("before the first await");
      },
    ]) {
      const { batch, fates } = batchOf({ body: { n: 1 } }, { body: { n: 2 } });
      await consumeTogether("miner", Work, work)(batch, deadLetterQueue().env, contextOf());
      expect(fates).toEqual(["retry 8", "retry 8"]);
    }
  });

  it("acks no message for which its stage gave no outcome", async () => {
    const { batch, fates } = batchOf({ body: { n: 1 } }, { body: { n: 2 } });
    await consumeTogether("miner", Work, async () => [{ status: "fulfilled", value: undefined }])(
      batch,
      deadLetterQueue().env,
      contextOf(),
    );
    expect(fates).toEqual(["ack", "retry 8"]);
  });

  it("does not throw, which would deliver again what was acked", async () => {
    const nasty = [new Error("x"), null, undefined, 5, "text", Object.create(null), Symbol("s"), () => 1];
    for (const error of nasty)
      for (const fails of [true, false])
        for (const attempts of [1, LAST_ATTEMPT]) {
          const { batch, fates } = batchOf({ body: { n: 1 }, attempts }, { body: undefined, attempts });
          await consume("miner", Work, fail(error))(batch, deadLetterQueue(fails).env, contextOf());
          expect(fates.every((fate) => fate !== undefined)).toBe(true);
        }
    const { batch, fates } = batchOf({ body: { n: 3 } }); // the binding itself is missing
    await consume("miner", Work, byNumber)(batch, {} as StageEnv, contextOf());
    expect(fates[0]).toMatch(/^retry/);
  });
});

const one = (outcome: string, count = 1) => ({ kind: "messages", stage: "miner", outcome, count });

const failed = {
  kind: "failure",
  stage: "miner",
  error: expect.any(String),
  attempts: 1,
  at: expect.any(Number),
  nextRetryAt: expect.any(Number),
};

describe("what became of a batch", () => {
  beforeEach(() => {
    for (const name of ["log", "warn", "error"] as const) vi.spyOn(console, name).mockReturnValue();
  });
  afterEach(() => vi.restoreAllMocks());

  it("is reported once, when every message is settled", async () => {
    const { batch, fates } = batchOf(
      ...[1, 1, 2, 3, 4].map((n) => ({ body: { n } })),
      { body: "rubbish" },
      { body: { n: 2 }, attempts: LAST_ATTEMPT },
    );
    const { env, reported } = deadLetterQueue();
    const context = contextOf();
    const settledBefore: boolean[] = [];
    Reflect.set(env, "MONITOR", {
      getByName: () => ({
        report: async (observations: readonly Observation[]) => {
          settledBefore.push(fates.every((fate) => fate !== undefined));
          reported.push(...observations);
        },
      }),
    });
    await consume("miner", Work, byNumber)(batch, env, context);
    await context.ended();
    expect(settledBefore).toEqual([true]);
    expect(reported).toHaveLength(4);
    expect(reported).toEqual(
      expect.arrayContaining([one("processed", 2), one("retried", 2), one("dead_lettered", 3)]),
    );
    const failure = { kind: "failure", stage: "miner", attempts: LAST_ATTEMPT, nextRetryAt: null };
    expect(reported).toContainEqual(expect.objectContaining(failure));
  });

  it("counts a message that no dead-letter queue takes as retried", async () => {
    const { batch } = batchOf({ body: { n: 3 } });
    const { env, reported } = deadLetterQueue(true);
    const context = contextOf();
    await consume("miner", Work, byNumber)(batch, env, context);
    await context.ended();
    expect(reported).toEqual([one("retried"), failed]);
  });

  it("is reported with what the stage has observed, of failed messages too", async () => {
    const { batch } = batchOf({ body: { n: 1 } }, { body: { n: 2 } });
    const { env, reported } = deadLetterQueue();
    const context = contextOf();
    const tier = { kind: "tier", tier: "r2", operation: "store", ok: true } as const;
    await consume("miner", Work, async ({ n }, _, __, observe) => {
      observe({ ...tier, milliseconds: n });
      if (n === 2) throw new Error("once more");
    })(batch, env, context);
    await context.ended();
    expect(reported).toEqual([
      { ...tier, milliseconds: 1 },
      { ...tier, milliseconds: 2 },
      one("processed"),
      one("retried"),
      failed,
    ]);
  });

  it("keeps no message from being acked while the monitor is away, fails or does not answer [T55]", async () => {
    vi.useFakeTimers();
    try {
      for (const MONITOR of [
        undefined,
        { getByName: () => ({ report: () => Promise.reject(new Error("evicted")) }) },
        { getByName: () => ({ report: () => new Promise(() => {}) }) },
      ]) {
        const { batch, fates } = batchOf({ body: { n: 1 } });
        const { env } = deadLetterQueue();
        Reflect.set(env, "MONITOR", MONITOR);
        const context = contextOf();
        await consume("miner", Work, byNumber)(batch, env, context);
        expect(fates).toEqual(["ack"]);
        const ended = context.ended(); // never rejects, because a rejection would deliver the batch again
        await vi.advanceTimersByTimeAsync(2_000);
        await ended;
      }
      expect(vi.mocked(console.warn)).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("the delay before a retry", () => {
  const within = [0, 0.25, 0.5, 0.999_999];
  const LONGEST = 6_000;

  it("doubles with each attempt up to five minutes, then grows slowly up to 100 minutes, and has jitter", () => {
    for (const base of [1, 10, 60])
      for (let attempts = 1; attempts <= 200; attempts++) {
        const slow = Math.min(LONGEST, 300 * 1.15 ** Math.max(0, attempts - 10));
        const whole = Math.min(slow, base * 2 ** Math.min(attempts - 1, 30));
        for (const random of within) {
          const delay = retryDelay(new Error("x"), attempts, base, random);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(whole * 0.8);
          expect(delay).toBeLessThanOrEqual(whole + 1);
        }
      }
    expect(retryDelay(new Error("x"), 1, 10, 0)).not.toBe(retryDelay(new Error("x"), 1, 10, 0.9));
  });

  it.for(STAGES)("lets %s try for as long as its queue keeps a message, whatever it fails of", (stage) => {
    const retries = WORKERS[stage].consumes.max_retries;
    for (const error of [new Error("R2 is down"), new RetryLater(15, "KV does not show it yet")]) {
      let seconds = 0;
      for (let attempts = 1; attempts <= retries; attempts++) seconds += retryDelay(error, attempts, 1, 0);
      expect(seconds).toBeGreaterThanOrEqual(QUEUE_RETENTION_SECONDS);
    }
  });

  it("is at least what the failure asks for, and at most the day that a queue can wait", () => {
    for (const seconds of [0, 1, 59.5, 60, 3_600, 86_400, 1e9])
      for (const attempts of [1, 50])
        for (const random of within) {
          const delay = retryDelay(new RetryLater(seconds, "x"), attempts, 10, random);
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(Math.min(86_400, seconds));
          const backoff = attempts === 1 ? 10 : LONGEST;
          expect(delay).toBeLessThanOrEqual(Math.min(86_400, Math.max(seconds + 11, backoff)));
        }
  });
});
