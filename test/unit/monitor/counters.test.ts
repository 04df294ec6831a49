import { expect, it } from "vitest";
import { messagesCounted } from "../../../shared/monitor.ts";
import { counters, countObservations } from "../../../workers/monitor/counters.ts";
import { migrate } from "../../../workers/monitor/schema.ts";
import { memorySql } from "../../support/sqlite.ts";

function counting() {
  const sql = memorySql();
  migrate(sql);
  return sql;
}

it("adds up what the stages report, each outcome for itself", () => {
  const sql = counting();
  const outcomes = ["processed", "processed", "retried"] as const;
  expect(messagesCounted("miner", outcomes)).toHaveLength(2);
  countObservations(sql, messagesCounted("miner", outcomes));
  countObservations(sql, [
    ...messagesCounted("miner", ["processed"]),
    ...messagesCounted("indexer", ["parked"]),
  ]);
  expect(counters(sql).messages).toEqual([
    { stage: "indexer", outcome: "parked", count: 1 },
    { stage: "miner", outcome: "processed", count: 3 },
    { stage: "miner", outcome: "retried", count: 1 },
  ]);
});

it("measures a tier in seconds, and counts its errors apart", () => {
  const sql = counting();
  const stored = { kind: "tier", tier: "ipfs", operation: "store" } as const;
  countObservations(sql, [
    { ...stored, ok: true, milliseconds: 20 },
    { ...stored, ok: false, milliseconds: 61_000 },
    { ...stored, operation: "repair", ok: true, milliseconds: 0 },
  ]);
  const [repair, store] = counters(sql).tiers;
  expect(repair).toMatchObject({ operation: "repair", errors: 0 });
  expect(store).toMatchObject({ tier: "ipfs", operation: "store", errors: 1 });
  expect(store?.seconds.sum).toBeCloseTo(61.02);
  expect(store?.seconds.counts.filter((count) => count > 0)).toEqual([1, 1]);
  expect(store?.seconds.counts.at(-1)).toBe(1);
});

it("knows nothing before anything was reported", () => {
  expect(counters(counting())).toEqual({ messages: [], tiers: [] });
});
