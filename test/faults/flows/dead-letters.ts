import { expect } from "vitest";
import { canonicalBytes } from "../../../shared/crypto/canonical.ts";
import type { DeadLetterEntry, DismissalPlan, Selection } from "../../../shared/api/dead-letters.ts";
import { STAGES, type StageName } from "../../../shared/pipeline.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { pendingMetadata } from "../../../shared/storage/pending.ts";
import { keysOf } from "../../support/chain/chain-state.ts";
import { checkChain } from "../../support/chain/check-chain.ts";
import { givenUp, park } from "../../support/chain/dead-letters.ts";
import { enqueue } from "../../support/stack/queues.ts";
import { status } from "../../support/payments/payments.ts";
import { payloadOf, seal } from "../../support/payments/sealed-payments.ts";
import type { Flow } from "../flow.ts";
import { until } from "../../support/stack/patience.ts";
import type { World } from "../world.ts";

const REASON = "the cause is mended";

async function letters(world: World): Promise<DeadLetterEntry[]> {
  const { entries } = await world.operate<{ entries: DeadLetterEntry[] }>(
    "GET",
    "/api/dead-letters?limit=1000",
  );
  return entries;
}

/** Waits for a dead letter that fits. @returns the dead letter */
export async function untilLetter(
  world: World,
  isIt: (entry: DeadLetterEntry) => boolean,
  meanwhile = async () => {},
): Promise<DeadLetterEntry> {
  return until(async () => {
    const found = (await letters(world)).find(isIt);
    if (found !== undefined) return found;
    await meanwhile();
    throw new Error("there is no such dead letter yet");
  });
}

async function replay(world: World, id: string): Promise<void> {
  await world.operate(
    "POST",
    "/api/dead-letters/replays",
    { select: { ids: [id] }, reason: REASON },
    [202, 409],
  );
}

/** Dismisses a dead letter. An operator without an answer asks again, and may then hear that it was dismissed (409). */
async function dismiss(world: World, id: string): Promise<void> {
  await world.operate("POST", `/api/dead-letters/${id}/dismiss`, { reason: REASON }, [200, 409]);
}

async function dismissSelected(world: World, select: Selection): Promise<void> {
  const { asOf } = await world.operate<DismissalPlan>("POST", DISMISSALS, {
    select,
    reason: REASON,
    dryRun: true,
  });
  await world.operate("POST", DISMISSALS, { select, reason: REASON, asOf });
}

const DISMISSALS = "/api/dead-letters/dismissals";

export async function dismissAll(world: World): Promise<void> {
  for (const { id, state } of await letters(world)) if (state === "open") await dismiss(world, id);
}

/** A message that no stage can read is parked, replayed to its stage, parked again and dismissed. */
function unreadable(stage: StageName): Flow {
  return {
    name: `dead letter: ${stage}`,
    is: `a message to \`${stage}\` that it can't read: parked, replayed, parked again, dismissed`,
    async run(world) {
      const nonsense = crypto.randomUUID();
      await enqueue(world.pipeline, stage, [{ v: 1, nonsense }]);
      const isOurs = (entry: DeadLetterEntry) => entry.stage === stage && entry.state === "open";
      const { id, failures } = await untilLetter(world, isOurs);
      await untilLetter(
        world,
        (entry) => entry.id === id && entry.failures > failures,
        () => replay(world, id),
      );
      if (stage === "miner") await dismissSelected(world, { ids: [id] });
      else await dismiss(world, id);
    },
  };
}

/** Makes a payment whose envelope can't be opened, and waits until it is parked. */
async function setsAside(world: World) {
  const message = await seal(world.pipeline, payloadOf());
  const { ct } = message.envelope;
  const damaged = { ...message.envelope, ct: `${ct.startsWith("A") ? "B" : "A"}${ct.slice(1)}` };
  world.withhold(message.txId);
  await enqueue(world.pipeline, "pending-writer", [{ ...message, envelope: damaged }]);
  const { id } = await untilLetter(world, ({ txId }) => txId === message.txId);
  return { id, message };
}

export const DEAD_LETTER_FLOWS: readonly Flow[] = [
  {
    name: "outage over",
    is: "a payment whose retries were used up in an outage: parked, replayed without an operator, mined",
    async run(world) {
      const message = await seal(world.pipeline, payloadOf());
      world.accept(message.txId);
      const failedAt = Date.now() - 120_000; // the first probe is due
      await park(world.pipeline, "pending-writer", [givenUp("pending-writer", message, { failedAt })]);
      await until(async () => {
        const response = await world.pipeline.fetch(`/api/vdc/transactions/${message.txId}`);
        expect(await response.json()).toMatchObject({ state: "mined" });
      });
    },
  },
  {
    name: "set aside",
    is: "a transaction that can't be opened: set aside, parked, mended, replayed, mined",
    async run(world) {
      const { pipeline } = world;
      const { id, message: good } = await setsAside(world);
      const customMetadata = pendingMetadata(good);
      await pipeline.r2.put(r2Keys.pending(good.txId), canonicalBytes(good.envelope), { customMetadata });
      world.release(good.txId);
      await until(async () => {
        const response = await pipeline.fetch(`/api/vdc/transactions/${good.txId}`);
        const { state } = await response.json<{ state: string }>();
        if (state === "set_aside") await replay(world, id);
        expect(state).toBe("mined");
      });
    },
  },
  {
    name: "moved aside",
    is: "the object of a transaction that was set aside, on its way out of `pending/`: moved by the miner's cron, mended, replayed, mined, cleared",
    async run(world) {
      const { pipeline } = world;
      const { id, message: good } = await setsAside(world);
      const aside = r2Keys.setAside(good.txId);
      await until(async () => {
        await world.fireCron("miner");
        expect(await pipeline.r2.head(r2Keys.pending(good.txId))).toBeNull();
        expect(await pipeline.r2.head(aside)).not.toBeNull();
      });
      const customMetadata = pendingMetadata(good);
      await pipeline.r2.put(aside, canonicalBytes(good.envelope), { customMetadata });
      world.release(good.txId);
      await until(async () => {
        const response = await pipeline.fetch(`/api/vdc/transactions/${good.txId}`);
        const { state } = await response.json<{ state: string }>();
        if (state === "set_aside") await replay(world, id);
        expect(state).toBe("mined");
      });
      await until(async () => {
        await world.fireCron("miner");
        expect(await pipeline.r2.head(aside)).toBeNull();
      });
    },
  },
  {
    name: "erasure of a dead letter",
    is: "a transaction that was set aside is erased on request",
    async run(world) {
      const { id, message } = await setsAside(world);
      await park(world.pipeline, "pending-writer", [givenUp("pending-writer", message)]);
      await world.operate("POST", `/api/privacy/${message.txId}/erase`, { reason: "request 12" });
      world.withdraw(message.txId);
      await untilLetter(world, (entry) => entry.id === id && entry.state !== "open");
      const objects = await Promise.all(
        (await keysOf(world.pipeline)).map(async (key) => {
          const object = await world.pipeline.r2.get(key);
          return Buffer.from((await object?.arrayBuffer()) ?? []).toString(); // tiles of the logs are no text
        }),
      );
      expect(objects.some((text) => text.includes(message.envelope.ct))).toBe(false);
    },
  },
  {
    name: "fork",
    is: "other bytes in the archive where a block is to be put: the chain is halted, looked at, resumed",
    async run(world) {
      const { pipeline } = world;
      await world.settle();
      const next = (await checkChain(pipeline)).length;
      await pipeline.r2.put(r2Keys.block(next), "not a block");
      await world.pay();
      await until(async () => expect((await status(pipeline)).halted).not.toBeNull());
      await pipeline.r2.delete(r2Keys.block(next));
      await until(async () => {
        await world.operate("POST", "/api/vdc/resume", { by: "ann", reason: "the object was foreign" });
        expect(await keysOf(pipeline, `blocks/${next}.json`)).toHaveLength(1);
      });
      await dismissAll(world);
    },
  },
  ...STAGES.map(unreadable),
];
