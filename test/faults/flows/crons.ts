import { expect } from "vitest";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { enqueue } from "../../support/stack/queues.ts";
import { purchase } from "../../support/payments/payments.ts";
import { payloadOf, seal, writeUnseen } from "../../support/payments/sealed-payments.ts";
import type { Flow } from "../flow.ts";
import { until } from "../../support/stack/patience.ts";
import type { World } from "../world.ts";

async function untilGone({ pipeline }: World, key: string, meanwhile = async () => {}): Promise<void> {
  await until(async () => {
    await meanwhile();
    expect(await pipeline.r2.head(key)).toBeNull();
  });
}

async function stampsOf({ pipeline }: World): Promise<number> {
  const { objects } = await pipeline.r2.list({ prefix: "log/timestamps/" });
  return objects.length;
}

export const CRON_FLOWS: readonly Flow[] = [
  {
    name: "cosigned and stamped",
    is: "a new checkpoint: its witness and its time-stamp authority are asked by the checkpointer's cron",
    async run(world) {
      await world.pay();
      await world.settle();
      const stampsBefore = await stampsOf(world);
      await until(async () => {
        await world.fireCron("checkpointer");
        const note = await (await world.pipeline.fetch("/log/checkpoint")).text();
        expect(note.split("\n").filter((line) => line.startsWith("\u2014"))).toHaveLength(4);
        expect(await stampsOf(world)).toBeGreaterThan(stampsBefore);
      });
    },
  },
  {
    name: "miner's cron",
    is: "pending objects that the chain head never heard of, or that were left over: the miner's cron",
    async run(world) {
      const unseen = await seal(world.pipeline, payloadOf());
      await writeUnseen(world.pipeline, unseen);
      const event = purchase();
      const mined = await seal(world.pipeline, payloadOf(event));
      await world.pay(event);
      world.accept(unseen.txId);
      await until(async () => {
        await world.fireCron("miner");
        const response = await world.pipeline.fetch(`/api/vdc/transactions/${mined.txId}`);
        expect(await response.json()).toMatchObject({ state: "mined" });
      });
      await world.settle();
      await writeUnseen(world.pipeline, mined);
      await untilGone(world, r2Keys.pending(mined.txId), () => world.fireCron("miner"));
    },
  },
  {
    name: "late repeat",
    is: "a payment that comes once more when its block has long been finished",
    async run(world) {
      const event = purchase();
      const message = await seal(world.pipeline, payloadOf(event));
      await world.pay(event);
      await world.settle();
      await enqueue(world.pipeline, "pending-writer", [message]);
      await until(async () => {
        const admitted = world.control.seen.filter(
          ({ name, value = "" }) =>
            name === "pending-writer (queue): chain-head.admit" && value.includes(message.txId),
        );
        expect(admitted.length).toBeGreaterThan(1);
      });
    },
  },
];
