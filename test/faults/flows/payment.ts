import { expect } from "vitest";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { until } from "../../support/stack/patience.ts";
import type { Flow } from "../flow.ts";

const pays: Flow["run"] = async (world) => void (await world.pay());

/** A stage's message is lost, so the watchdog must send it again. */
function losing(sender: string, stage: string): Flow {
  return {
    name: `message lost: ${stage}`,
    is: `a payment, whose message to \`${stage}\` the queue has lost`,
    prepare: [{ write: `${sender} (queue): send to ${stage}`, happens: "lost" }],
    run: pays,
  };
}

export const PAYMENT_FLOWS: readonly Flow[] = [
  { name: "first payment", is: "the first payment that a new chain takes", begins: true, run: pays },
  { name: "payment", is: "a payment, from the webhook to its finished block", run: pays },
  {
    name: "index claimed",
    is: "a payment, until KV says that the index holds its block",
    async run(world) {
      await world.pay();
      await world.settle();
      const { kv } = world.pipeline;
      const numberIn = async (key: string) =>
        (await kv.get<{ blockNumber: number }>(key, "json"))?.blockNumber;
      await until(async () => expect(await numberIn(kvKeys.indexed)).toBe(await numberIn(kvKeys.latest)));
    },
  },
  losing("miner", "tier-persister"),
  losing("tier-persister", "indexer"),
  losing("indexer", "pending-cleaner"),
];
