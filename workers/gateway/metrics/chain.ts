import { LEDGER_FAULTS } from "../../../shared/chain/ledger.ts";
import { BLOCK_STATES, reached, STAGE_AFTER } from "../../../shared/chain/states.ts";
import type { Metric } from "../../../shared/http/prometheus.ts";
import type { Measures } from "../../chain-head/reads/measures.ts";
import type { StatusFacts } from "../../chain-head/reads/status.ts";
import { counter, gauge, secondsSince } from "./metric.ts";

export function chainMetrics(status: StatusFacts, now: number): Metric[] {
  return [
    ...blockMetrics(status, now),
    ...transactionMetrics(status, now),
    ...submissionMetrics(status, now),
    counter(
      "vdc_events_ignored_total",
      "Events of Stripe that were not for this chain, by reason.",
      Object.entries(status.ignored).map(([reason, count]) => [count, { reason }]),
    ),
  ];
}

function blockMetrics(status: StatusFacts, now: number): Metric[] {
  const { counts, halted, unfinished } = status;
  const inState = (state: string) => unfinished.filter((block) => block.state === state).length;
  const oldestReserved = unfinished.map(({ times }) => times.reserved).toSorted((a, b) => a - b)[0] ?? null;
  return [
    gauge("vdc_chain_halted", "1 while the chain is halted and waits for an operator.", halted ? 1 : 0),
    gauge("vdc_chain_blocks", "Blocks that have a number, those in flight included.", counts.blocks),
    gauge(
      "vdc_chain_blocks_persisted",
      "Blocks that are in KV, R2 and IPFS: what vdc_tier_blocks of each tier should be.",
      persistedBlocks(status),
    ),
    gauge(
      "vdc_blocks_in_flight",
      "Blocks that are not complete, by state.",
      BLOCK_STATES.filter((state) => state !== "complete").map((state) => [inState(state), { state }]),
    ),
    gauge(
      "vdc_oldest_block_in_flight_seconds",
      "Age of the oldest block that is not complete; 0 when there is none.",
      secondsSince(oldestReserved, now),
    ),
  ];
}

function transactionMetrics(
  { counts, oldestWaitingAt, miningOwedSince }: StatusFacts,
  now: number,
): Metric[] {
  return [
    gauge(
      "vdc_transactions_pending",
      "Transactions whose block is not complete, and those in no block yet. Normally below 10.",
      counts.pending,
    ),
    gauge("vdc_transactions_waiting", "Transactions in no block yet.", counts.waiting),
    gauge(
      "vdc_transactions_set_aside",
      "Transactions that could not be mined, each with its reason in the dead letters. Should be 0.",
      counts.setAside,
    ),
    counter("vdc_transactions_mined_total", "Transactions in sealed blocks.", counts.mined),
    gauge(
      "vdc_oldest_waiting_transaction_seconds",
      "How long the oldest transaction in no block has waited since it was admitted; 0 when none waits.",
      secondsSince(oldestWaitingAt, now),
    ),
    gauge(
      "vdc_mining_overdue_seconds",
      "For how long a transaction should have been in a block; 0 when none is owed one.",
      secondsSince(miningOwedSince, now),
    ),
  ];
}

function submissionMetrics({ counts, releaseOwedSince }: StatusFacts, now: number): Metric[] {
  return [
    gauge(
      "vdc_submissions_awaiting_payment",
      "Submissions of a type in PAID_TYPES that are not paid yet.",
      counts.awaitingPayment,
    ),
    gauge(
      "vdc_submissions_paid_unreleased",
      "Submissions that are paid, and not pending yet. Normally 0.",
      counts.paidUnreleased,
    ),
    gauge(
      "vdc_oldest_paid_submission_seconds",
      "For how long the oldest of vdc_submissions_paid_unreleased has been submitted and paid; 0 when there is none.",
      secondsSince(releaseOwedSince, now),
    ),
  ];
}

/** Number of blocks that were stored in every tier. */
export function persistedBlocks({ counts, unfinished }: StatusFacts): number {
  return counts.blocks - unfinished.filter(({ state }) => !reached(state, "persisted")).length;
}

export function measuredMetrics({ latencies, stalls, refused, foreignCids }: Measures): Metric[] {
  const stages = Object.values(STAGE_AFTER).filter((stage) => stage !== undefined);
  return [
    {
      name: "vdc_payment_to_milestone_seconds",
      help: "Time from a payment (by Stripe's clock) until its transaction was admitted, or its block sealed, persisted, indexed, complete.",
      type: "histogram",
      samples: Object.entries(latencies).map(([milestone, histogram]) => ({
        labels: { milestone },
        histogram,
      })),
    },
    counter(
      "vdc_stage_stalls_total",
      "Times that the watchdog told a stage again of a block that had not moved.",
      stages.map((stage) => [stalls[stage] ?? 0, { stage }]),
    ),
    counter(
      "vdc_submissions_refused_total",
      "Submissions of users that no block took because they break a rule of the chain, by reason. Nothing to do: the submitter can read it.",
      LEDGER_FAULTS.map((reason) => [refused[reason] ?? 0, { reason }]),
    ),
    gauge(
      "vdc_blocks_with_foreign_cid",
      "Blocks whose IPFS hash does not begin with Qm. Must be 0: a CID is computed from the bytes.",
      foreignCids,
    ),
  ];
}
