import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { SimulatedObject } from "../platform/durable-object.ts";
import type { People } from "../people/people.ts";

/**
 * Lists unfinished work, in a few words each. Empty if every accepted transaction is in a block, set aside, or expired.
 */
export function whatIsLeft({ stack, onlooker, stripe, errands }: People): string[] {
  const head = stack.object("ChainHead", stack.chainId);
  const letters = stack.object("DeadLetters", stack.chainId);
  const latest = JSON.parse(stack.kv.truth(kvKeys.latest) ?? "null") as { blockNumber: number } | null;
  const counts: Readonly<Record<string, number>> = {
    "transactions without a block": head.rows("SELECT id FROM tx WHERE state IN ('pending', 'reserved')")
      .length,
    "unfinished blocks": head.rows("SELECT number FROM block WHERE state <> 'complete'").length,
    "blocks behind vdc:latest": onlooker.blocks - 1 - (latest?.blockNumber ?? -1),
    "blocks without a checkpoint": uncheckpointed(head),
    "messages in queues": [...stack.queues.values()].reduce((sum, queue) => sum + queue.bodies().length, 0),
    "undelivered events": stripe.undelivered,
    "submissions that wait for a payment": head.rows(WAITING).length,
    "objects in intents/": stack.r2.keys(r2Keys.intentPrefix).length,
    "documents that are not pinned": stack
      .object("DocumentIndex", stack.chainId)
      .rows("SELECT id FROM to_pin").length,
    "running replays": letters.rows("SELECT id FROM replay WHERE state = 'running'").length,
    "people on an errand": errands.open,
    "Workers at work": stack.workers().reduce((sum, worker) => sum + worker.running.size, 0),
    "alarms that are due": stack.objects().filter((object) => object.isDue).length,
  };
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
}

/** Number of published blocks that the chain head still owes the checkpointer. */
function uncheckpointed(head: SimulatedObject): number {
  const [row] = head.rows<{ n: number | null }>(
    `SELECT (SELECT value FROM fact WHERE name = 'publishedLatest') + 1
       - coalesce((SELECT value FROM fact WHERE name = 'checkpointed'), 0) AS n`,
  );
  return Math.max(0, row?.n ?? 0);
}

const WAITING =
  "SELECT tx_id FROM intent WHERE received_at IS NOT NULL AND admitted = 0 AND (expired_at IS NULL OR paid_by IS NOT NULL)";
