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
  losing("miner", "tier-persister"),
  losing("tier-persister", "indexer"),
  losing("indexer", "pending-cleaner"),
];
