import { describe, expect, it } from "vitest";
import { exposition } from "../../../../shared/http/prometheus.ts";
import { measures } from "../../../../workers/chain-head/reads/measures.ts";
import { metricsOf, type ScrapeParts } from "../../../../workers/gateway/metrics/all.ts";
import { counters, countObservations } from "../../../../workers/monitor/counters.ts";
import { migrate } from "../../../../workers/monitor/schema.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";
import { parseExposition } from "../../../support/assertions/exposition.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

const NOTHING: ScrapeParts = {
  chain: undefined,
  measures: undefined,
  queues: undefined,
  intake: undefined,
  verifier_queue: undefined,
  counters: undefined,
  alerts: undefined,
  dead_letters: undefined,
  storage: undefined,
  documents: undefined,
  objects: undefined,
};

const head = new TestHead().begun();
head.admit(1, 2);
head.requestMining();
head.mine();
head.admit(3);
head.receive(51);
head.receive(52);
head.admit({ n: 2, pays: 52 });
head.pass(30);

const monitored = memorySql();
migrate(monitored);
countObservations(
  monitored,
  [
    { kind: "messages", stage: "miner", outcome: "retried", count: 2 },
    { kind: "messages", stage: "miner", outcome: "dead_lettered", count: 1 },
    { kind: "tier", tier: "ipfs", operation: "store", ok: false, milliseconds: 3_000 },
  ],
  head.now,
);

const EVERYTHING: ScrapeParts = {
  chain: { ...head.status(), ignored: { 'odd "reason"\n': 2 } },
  measures: measures(head.sql),
  queues: { miner: { messages: 4, bytes: 400, oldestAt: head.now - 5_500 } },
  intake: { messages: 0, bytes: 0, oldestAt: null },
  verifier_queue: { messages: 2, bytes: 20, oldestAt: null },
  counters: counters(monitored),
  alerts: [
    {
      alert: "halted",
      firing: true,
      since: 1,
      overAt: null,
      checkedAt: head.now,
      summary: "",
      details: {},
      firesAfterMs: 0,
      delivered: null,
      attemptedAt: null,
      inFlight: false,
    },
  ],
  dead_letters: {
    open: { miner: 2, "storage-verifier": 1 },
    replaying: 1,
    resolved: 5,
    dismissed: 0,
    oldestOpenAt: head.now - 9_000,
    recovering: [{ stage: "storage-verifier", phase: "probing", nextAt: head.now }],
  },
  objects: { "chain-head": 7_000_000_000, "dead-letters": 4_096 },
  storage: {
    wrong: { kv: 0, r2: 0, ipfs: 1 },
    verifiedSince: head.now - 86_400_000,
    failing: 0,
    withoutPrivateParts: 0,
    partial: 1,
    lastRun: { id: "run-1", kind: "verify", state: "done", startedAt: 0, finishedAt: head.now, failed: 0 },
    rehydrated: { kv: 0, r2: 0, ipfs: 1 },
  },
  documents: {
    total: 12,
    unverified: 0,
    partial: 2,
    failed: 1,
    verifiedSince: head.now - 86_400_000,
    rehydrated: { r2: 3, ipfs: 0 },
  },
};

function scrape(parts: ScrapeParts) {
  return parseExposition(exposition(metricsOf(parts, head.now)));
}

describe("a scrape", () => {
  it("shows everything, in the format and with names and units as Prometheus wants them", () => {
    const { value } = bound(scrape(EVERYTHING));
    expect(value("vdc_chain_blocks")).toBe(3);
    expect(value("vdc_documents")).toBe(12);
    expect(value("vdc_documents_partial")).toBe(2);
    expect(value("vdc_documents_failing")).toBe(1);
    expect(value("vdc_document_rehydrations_total", { tier: "r2" })).toBe(3);
    expect(value("vdc_chain_blocks_persisted")).toBe(2);
    expect(value("vdc_chain_halted")).toBe(0);
    expect(value("vdc_blocks_in_flight", { state: "sealed" })).toBe(1);
    expect(value("vdc_blocks_in_flight", { state: "indexed" })).toBe(0);
    expect(value("vdc_oldest_block_in_flight_seconds")).toBe(30);
    expect(value("vdc_transactions_pending")).toBe(3);
    expect(value("vdc_transactions_waiting")).toBe(1);
    expect(value("vdc_transactions_mined_total")).toBe(3);
    expect(value("vdc_submissions_awaiting_payment")).toBe(1);
    expect(value("vdc_submissions_paid_unreleased")).toBe(1);
    expect(value("vdc_oldest_paid_submission_seconds")).toBe(30);
    expect(value("vdc_oldest_waiting_transaction_seconds")).toBe(30);
    expect(value("vdc_events_ignored_total", { reason: 'odd "reason"\n' })).toBe(2);
    expect(value("vdc_payment_to_milestone_seconds_count", { milestone: "sealed" })).toBe(3);
    expect(value("vdc_payment_to_milestone_seconds_count", { milestone: "persisted" })).toBe(1);
    expect(value("vdc_stage_stalls_total", { stage: "indexer" })).toBe(0);
    expect(value("vdc_blocks_with_foreign_cid")).toBe(0);
    expect(value("vdc_queue_backlog_messages", { stage: "miner" })).toBe(4);
    expect(value("vdc_queue_backlog_bytes", { stage: "miner" })).toBe(400);
    expect(value("vdc_queue_oldest_message_seconds", { stage: "miner" })).toBe(5.5);
    expect(value("vdc_queue_oldest_message_seconds", { stage: "pending-writer" })).toBe(0);
    expect(value("vdc_stage_messages_total", { stage: "miner", outcome: "retried" })).toBe(2);
    expect(value("vdc_stage_messages_total", { stage: "indexer", outcome: "processed" })).toBe(0);
    expect(value("vdc_mining_failures_total")).toBe(3);
    const ipfs = { tier: "ipfs", operation: "store" };
    expect(value("vdc_tier_operation_errors_total", ipfs)).toBe(1);
    expect(value("vdc_tier_operation_seconds_sum", ipfs)).toBe(3);
    expect(value("vdc_tier_operation_seconds_bucket", { ...ipfs, le: "2.5" })).toBe(0);
    expect(value("vdc_tier_operation_seconds_bucket", { ...ipfs, le: "5" })).toBe(1);
    expect(value("vdc_rehydrations_total", { tier: "kv" })).toBe(0);
    expect(value("vdc_rehydrations_total", { tier: "ipfs" })).toBe(1);
    expect(value("vdc_alert_firing", { alert: "halted" })).toBe(1);
    expect(value("vdc_dead_letters_open", { stage: "miner" })).toBe(2);
    expect(value("vdc_dead_letters_open", { stage: "indexer" })).toBe(0);
    expect(value("vdc_dead_letters_open", { stage: "storage-verifier" })).toBe(1);
    expect(value("vdc_dead_letter_recovery", { stage: "storage-verifier", phase: "probing" })).toBe(1);
    expect(value("vdc_dead_letter_recovery", { stage: "storage-verifier", phase: "replaying" })).toBe(0);
    expect(value("vdc_oldest_open_dead_letter_seconds")).toBe(9);
    expect(value("vdc_tier_blocks", { tier: "kv" })).toBe(value("vdc_chain_blocks_persisted"));
    expect(value("vdc_tier_blocks", { tier: "ipfs" })).toBe(Number(value("vdc_chain_blocks_persisted")) - 1);
    expect(value("vdc_durable_object_bytes", { object: "chain-head" })).toBe(7_000_000_000);
    expect(value("vdc_storage_partial_blocks")).toBe(1);
    for (const part of Object.keys(EVERYTHING)) expect(value("vdc_scrape_part_ok", { part }), part).toBe(1);
  });

  it("shows nothing of what could not be read, and says so: unknown is not zero", () => {
    const nothing = scrape(NOTHING);
    expect(nothing.names).toEqual(["vdc_scrape_part_ok"]);
    for (const part of Object.keys(NOTHING)) expect(nothing.value("vdc_scrape_part_ok", { part })).toBe(0);

    const all = scrape(EVERYTHING).names;
    const shown = Object.keys(EVERYTHING).map((part) => {
      const parts = { ...NOTHING, [part]: EVERYTHING[part as keyof ScrapeParts] };
      return scrape(parts).names.filter((name) => name !== "vdc_scrape_part_ok");
    });
    for (const names of shown) expect(names).not.toEqual([]);
    expect([...new Set(shown.flat())].toSorted()).toEqual(
      all.filter((name) => !["vdc_scrape_part_ok", OF_TWO_PARTS].includes(name)).toSorted(),
    );
  });

  it("shows the queues that could be measured, beside those that could not", () => {
    const { value } = bound(scrape({ ...EVERYTHING, queues: undefined }));
    expect(value("vdc_queue_backlog_messages", { stage: "pending-writer" })).toBe(0);
    expect(value("vdc_queue_backlog_messages", { stage: "miner" })).toBeUndefined();
  });

  it("says of what is lossy that it is", () => {
    const lossy = scrape(EVERYTHING).families.filter(({ help }) => help.includes("logged and lost"));
    expect(lossy.map(({ name }) => name)).toContain("vdc_stage_messages_total");
  });
});

/** A metric that combines the chain head's and the storage verifier's numbers. */
const OF_TWO_PARTS = "vdc_tier_blocks";

function bound(scraped: ReturnType<typeof scrape>) {
  return { value: (name: string, labels?: Record<string, string>) => scraped.value(name, labels) };
}
