import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Submission } from "../../../../../shared/chain/submission.ts";
import { canonicalBytes } from "../../../../../shared/crypto/canonical.ts";
import { r2Keys } from "../../../../../shared/storage/layout.ts";
import { pendingMetadata } from "../../../../../shared/storage/pending.ts";
import { RULES, txId } from "../../../../support/chain/chain-head.ts";
import { inTheTimeOfIntents, IntentsWorld, someEnvelope, type CrashPoint } from "./intents-world.ts";
import { runs } from "../../../../support/assertions/fast-check.ts";

const PAYMENT = 7;

let submission: Submission;
let id: string;
inTheTimeOfIntents();
beforeEach(async () => {
  ({ submission, id } = await IntentsWorld.submission());
});

/** Checks what holds after every step. */
function check({ head, objects }: IntentsWorld): void {
  const { transaction, intent } = head.whereIs(id);
  if (transaction?.state === "pending")
    expect([...objects.keys()], "admitted, so in pending/").toContain(r2Keys.pending(id));
  if (head.transaction(PAYMENT) !== null && transaction === null)
    expect(intent?.state, "nothing that is paid expires").toMatch(/^(?:paid|awaiting_submission)$/);
}

/** Expects the submission admitted once, in `pending/` or cleared with its block, and no trace of the intent. */
function expectReleased({ head, objects, queue }: IntentsWorld): void {
  const { transaction, intent } = head.whereIs(id);
  expect(intent).toBeNull();
  expect(transaction?.state).toMatch(/^(?:pending|mined)$/);
  expect(objects.has(r2Keys.pending(id))).toBe(transaction?.state === "pending");
  expect(objects.has(r2Keys.intent(id))).toBe(false);
  expect(head.transaction(PAYMENT)).not.toBeNull();
  expect(queue).toEqual([]);
  expect(head.counts()).toMatchObject({ awaitingPayment: 0, paidUnreleased: 0 });
}

const ORDERS = {
  "submitted, then paid": async (world: IntentsWorld, taken: () => void) => {
    await world.submit(submission);
    taken();
    world.pay(PAYMENT, id);
    await world.deliver();
  },
  "paid, then submitted": async (world: IntentsWorld, taken: () => void) => {
    world.pay(PAYMENT, id);
    await world.deliver();
    await world.submit(submission);
    taken();
    await world.deliver();
  },
  "submitted while it is being paid": async (world: IntentsWorld, taken: () => void) => {
    world.pay(PAYMENT, id);
    const submitted = world.submit(submission).then(taken);
    await Promise.all([submitted, world.deliver()]);
    await world.deliver();
  },
};

describe.for(Object.entries(ORDERS))("%s", ([, run]) => {
  it("is released, with nothing to be mended", async () => {
    const world = new IntentsWorld();
    await run(world, () => {});
    expect(world.head.whereIs(id).transaction?.state).toBe("pending");
    await world.cron(); // releases an intent that a direct enqueuing left in intents/
    expectReleased(world);
  });

  it("is released after a crash at any step: the cron, the queue and, where it was not answered, the client suffice", async () => {
    const whole = new IntentsWorld();
    await run(whole, () => {});
    expect(whole.steps).toBeGreaterThan(5);
    for (let step = 0; step < whole.steps; step++)
      for (const done of [false, true]) {
        const crashAt: CrashPoint = { step, done };
        const world = new IntentsWorld();
        world.crashAt = crashAt;
        let isTaken = false;
        await run(world, () => (isTaken = true)).catch(() => {});
        check(world);
        world.revive();
        if (world.head.transaction(PAYMENT) === null && world.queue.length === 0) world.pay(PAYMENT, id); // Stripe repeats
        if (!isTaken) await world.submit(submission);
        await world.deliver();
        await world.cron();
        await world.deliver();
        check(world);
        await world.cron();
        expectReleased(world);
      }
  });
});

describe("whatever happens at the same time", () => {
  it("a submission is released once, and nothing that is paid is lost", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), fc.boolean(), async (scheduler, expires, mines) => {
        const world = new IntentsWorld();
        const turns = () => {
          check(world);
          return scheduler.schedule(Promise.resolve());
        };
        world.turn = turns;
        const expiry = async () => {
          for (let i = 0; i < 3; i++) {
            await turns();
            if (i === 0) world.head.pass(RULES.intentTtlSeconds + 1);
            world.head.expireIntents();
          }
        };
        const payment = async () => {
          await turns();
          world.pay(PAYMENT, id);
          world.pay(PAYMENT + 1, id); // the payer pays twice by mistake
          await Promise.all([world.deliver(), world.deliver()]);
        };
        const all = Promise.allSettled([
          world.submit(submission),
          payment(),
          world.cron(),
          world.cron(),
          ...(expires ? [expiry()] : []),
          ...(mines ? [world.mine(), world.mine()] : []),
        ]);
        await scheduler.waitFor(all);
        world.turn = () => Promise.resolve();
        await world.deliver();
        // Sends a submission again that expired before its payment and was deleted.
        if (world.head.whereIs(id).intent !== null) await world.submit(submission);
        await world.deliver();
        await world.cron();
        check(world);
        if (mines) await world.mine();
        expectReleased(world);
        expect(world.head.transaction(PAYMENT + 1)).not.toBeNull();
      }),
      { numRuns: runs(60) },
    );
  });
});

/** Does other work once, just before the step of this name. */
function before(world: IntentsWorld, step: string, work: () => Promise<void>): void {
  world.turn = async (label) => {
    if (label !== step) return;
    world.turn = () => Promise.resolve();
    await work();
  };
}

describe("a submission", () => {
  it("goes through the queue at once when it is paid after it was looked for, and before it is registered", async () => {
    const world = new IntentsWorld();
    before(world, "await payment", async () => {
      world.pay(PAYMENT, id);
      await world.deliver();
    });
    expect(await world.submit(submission)).toMatchObject({ state: "pending" });
    await world.deliver();
    expect(world.head.whereIs(id).transaction?.state).toBe("pending");
  });
});

describe("releasing", () => {
  it("leaves nothing in pending/ when another release, and the block, were faster", async () => {
    const world = new IntentsWorld();
    await world.submit(submission);
    world.pay(PAYMENT, id);
    before(world, `put ${r2Keys.pending(id)}`, async () => {
      await world.cron();
      await world.mine();
    });
    await world.deliver();
    expect(world.head.whereIs(id).transaction?.state).toBe("mined");
    expectReleased(world);
  });

  it.for(["registered", "forgotten"])(
    "is done by the cron, of one that is %s, after a crash at any step",
    async (which) => {
      const left = async () => {
        const world = new IntentsWorld();
        if (which === "forgotten") before(world, "await payment", async () => world.die());
        await world.submit(submission).catch(() => {});
        world.revive();
        expect(world.has(r2Keys.intent(id))).toBe(true);
        world.head.admit(PAYMENT); // pending-writer died before it had released anything
        world.head.admitEntries([
          { txId: txId(PAYMENT), timestamp: PAYMENT, size: 500, envelopeSize: 3_000, pays: id },
        ]);
        world.steps = 0;
        return world;
      };
      const whole = await left();
      await whole.cron();
      expectReleased(whole);
      for (let step = 0; step < whole.steps; step++)
        for (const done of [false, true]) {
          const world = await left();
          world.crashAt = { step, done };
          await world.cron().catch(() => {});
          check(world);
          world.revive();
          await world.cron();
          expectReleased(world);
        }
    },
  );

  it("is found by the cron, some at a time, however many submissions wait for their payments", async () => {
    const world = new IntentsWorld();
    const customMetadata = pendingMetadata({ timestamp: 1, size: 500 });
    for (let n = 1_000; n < 3_500; n++)
      world.objects.set(r2Keys.intent(txId(n)), {
        bytes: new Uint8Array(1),
        customMetadata,
        uploaded: new Date(),
      });
    for (const known of [1_000, 2_000, 2_500, 2_500]) {
      await world.cron();
      expect(world.head.counts()).toMatchObject({ awaitingPayment: known });
    }
  });

  it("takes more than one page, and those after one that can't be read", async () => {
    const world = new IntentsWorld();
    for (let n = 1_000; n < 1_250; n++) {
      world.head.receive(n);
      world.head.admit({ n: n + 10_000, pays: n });
      if (n !== 1_003) {
        const bytes = canonicalBytes(someEnvelope(txId(n)));
        world.objects.set(r2Keys.intent(txId(n)), { bytes, customMetadata: {}, uploaded: new Date() });
      }
    }
    await world.cron();
    expect(world.head.counts()).toMatchObject({ paidUnreleased: 0 });
    expect(world.head.intent(1_003)).toEqual({ state: "awaiting_submission" });
    expect(world.objects.get(r2Keys.pending(txId(1_249)))?.customMetadata).toEqual({
      timestamp: "1249",
      size: "500",
    });
  });
});
