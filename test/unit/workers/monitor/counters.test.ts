import { expect, it } from "vitest";
import { messagesCounted } from "../../../../shared/objects/monitor.ts";
import { counters, countObservations } from "../../../../workers/monitor/counters.ts";
import { migrate } from "../../../../workers/monitor/schema.ts";
import { memorySql } from "../../../support/stack/sqlite.ts";

const NOW = 1_800_000_000_000;

function counting() {
  const sql = memorySql();
  migrate(sql);
  return sql;
}

it("adds up what the stages report, each outcome for itself", () => {
  const sql = counting();
  const outcomes = ["processed", "processed", "retried"] as const;
  expect(messagesCounted("miner", outcomes)).toHaveLength(2);
  countObservations(sql, messagesCounted("miner", outcomes), NOW);
  countObservations(
    sql,
    [...messagesCounted("miner", ["processed"]), ...messagesCounted("indexer", ["parked"])],
    NOW,
  );
  expect(counters(sql).messages).toEqual([
    { stage: "indexer", outcome: "parked", count: 1 },
    { stage: "miner", outcome: "processed", count: 3 },
    { stage: "miner", outcome: "retried", count: 1 },
  ]);
});

it("keeps one row a stage: its newest failure, and when a message was last done", () => {
  const sql = counting();
  const failed = {
    kind: "failure",
    stage: "tier-persister",
    error: "Error: down",
    nextRetryAt: NOW,
  } as const;
  for (let i = 1; i <= 100; i++) countObservations(sql, [{ ...failed, at: NOW + i, attempts: i }], NOW + i);
  countObservations(sql, [{ ...failed, at: NOW, attempts: 7 }], NOW + 200); // a late report
  const newest = {
    stage: "tier-persister",
    error: "Error: down",
    nextRetryAt: NOW,
    at: NOW + 100,
    attempts: 100,
  };
  expect(counters(sql).failedStages).toEqual([{ ...newest, lastDoneAt: null }]);
  countObservations(sql, messagesCounted("tier-persister", ["processed"]), NOW + 300);
  expect(counters(sql).failedStages).toEqual([{ ...newest, lastDoneAt: NOW + 300 }]);
});

it("measures a tier in seconds, and counts its errors apart", () => {
  const sql = counting();
  const stored = { kind: "tier", tier: "ipfs", operation: "store" } as const;
  countObservations(
    sql,
    [
      { ...stored, ok: true, milliseconds: 20 },
      { ...stored, ok: false, milliseconds: 61_000 },
      { ...stored, operation: "repair", ok: true, milliseconds: 0 },
    ],
    NOW,
  );
  const [repair, store] = counters(sql).tiers;
  expect(repair).toMatchObject({ operation: "repair", errors: 0 });
  expect(store).toMatchObject({ tier: "ipfs", operation: "store", errors: 1 });
  expect(store?.seconds.sum).toBeCloseTo(61.02);
  expect(store?.seconds.counts.filter((count) => count > 0)).toEqual([1, 1]);
  expect(store?.seconds.counts.at(-1)).toBe(1);
});

it("knows nothing before anything was reported", () => {
  expect(counters(counting())).toEqual({ messages: [], tiers: [], failedStages: [] });
});
