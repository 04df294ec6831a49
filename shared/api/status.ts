import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { BLOCK_STATES } from "../chain/states.ts";
import { Timestamp, TxId } from "../chain/transaction.ts";
import { PERMANENT_REASONS } from "../runtime/errors.ts";
import { Count } from "./count.ts";
import { Halted } from "./halted.ts";
import type { Plan } from "./plan.ts";

export const FAILURES_SHOWN = 20;

export const PipelineStatus = v.strictObject({
  latest: v.pipe(v.nullable(BlockNumber), v.description("The latest published block; null before the first")),
  halted: v.nullable(Halted),
  counts: v.strictObject({
    pending: Count,
    waiting: Count,
    mined: Count,
    setAside: Count,
    refused: v.pipe(
      Count,
      v.description("Submissions of users that no block took: they break a rule of the chain"),
    ),
    blocks: Count,
    awaitingPayment: v.pipe(Count, v.description("Submissions that have to be paid, and are not yet")),
    paidUnreleased: v.pipe(Count, v.description("Submissions that are paid, and not pending yet")),
  }),
  ignored: v.pipe(
    v.record(v.string(), Count),
    v.description("Events of Stripe that were not for the chain, by reason"),
  ),
  oldestWaitingSeconds: v.nullable(Count),
  inFlight: v.array(
    v.strictObject({
      blockNumber: BlockNumber,
      state: v.picklist(BLOCK_STATES),
      stage: v.optional(v.pipe(v.string(), v.description("The Worker that has to move it on"))),
      transactions: Count,
      ageSeconds: v.nullable(Count),
    }),
  ),
  queues: v.pipe(
    v.record(
      v.string(),
      v.strictObject({ messages: v.number(), bytes: v.number(), oldestAt: v.nullable(Timestamp) }),
    ),
    v.description(
      "What waits in the queue of each stage, as the platform counts it; one that can't be read is left out",
    ),
  ),
  retries: v.pipe(
    v.nullable(
      v.array(
        v.strictObject({
          stage: v.string(),
          error: v.string(),
          attempts: v.pipe(Count, v.description("Attempts that the message has had")),
          at: Timestamp,
          nextRetryAt: v.pipe(
            v.nullable(Timestamp),
            v.description("null: it was given up, and is a dead letter"),
          ),
          lastDoneAt: v.pipe(
            v.nullable(Timestamp),
            v.description("When a message of the stage was last done"),
          ),
        }),
      ),
    ),
    v.description(
      "The latest failure of each stage, also of one that works again; null when they can't be read",
    ),
  ),
  alerts: v.pipe(
    v.nullable(v.array(v.strictObject({ alert: v.string(), since: Timestamp, summary: v.string() }))),
    v.description("Alerts that fire, as of the last minute; null when they can't be read"),
  ),
  failures: v.pipe(
    v.array(
      v.strictObject({
        txId: TxId,
        blockNumber: BlockNumber,
        reason: v.picklist(PERMANENT_REASONS),
        error: v.string(),
        at: Timestamp,
        parked: v.pipe(v.boolean(), v.description("The dead-letter store has it")),
      }),
    ),
    v.description(`Transactions that were set aside, the latest ${FAILURES_SHOWN}`),
  ),
});
export type PipelineStatus = v.InferOutput<typeof PipelineStatus>;

export const status = {
  does: "The pipeline at a glance: what waits at each stage and for how long, what is in flight, what was set aside",
  who: "operator",
  answers: { 200: PipelineStatus },
} as const satisfies Plan;
