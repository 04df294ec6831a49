import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STAGES } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { startAlertReceiver, type Alert, type AlertReceiver } from "../support/stack/alert-receiver.ts";
import { asMiner } from "../support/chain/chain-state.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { parseExposition, type Scrape } from "../support/assertions/exposition.ts";
import { until } from "../support/stack/patience.ts";
import { mine, payMany, untilIdle, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { enqueue } from "../support/stack/queues.ts";
import { submit } from "../support/payments/sealed-payments.ts";

let pipeline: Pipeline;
let receiver: AlertReceiver;

beforeAll(async () => {
  receiver = await startAlertReceiver();
  pipeline = await startPipeline({
    secrets: { ALERT_WEBHOOK_URL: receiver.url },
    vars: { STALL_AFTER_SECONDS: "3600", STALLED_ALERT_SECONDS: "1", PENDING_ALERT_SECONDS: "1" },
  });
});
afterAll(async () => {
  await pipeline.close();
  await receiver.close();
});

async function scrape(): Promise<Scrape> {
  const response = await pipeline.operate("/api/metrics");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return parseExposition(await response.text());
}

/** Waits for metrics that are reported after the event. */
function untilScraped(condition: (scrape: Scrape) => void): Promise<void> {
  return until(async () => condition(await scrape()));
}

describe("the metrics", () => {
  it("are for operators only", async () => {
    expect((await pipeline.fetch("/api/metrics")).status).toBe(401);
  });

  it("are zeros, not gaps, for a chain that has done nothing", async () => {
    const empty = await scrape();
    expect(empty.value("vdc_chain_blocks")).toBe(0);
    expect(empty.value("vdc_transactions_pending")).toBe(0);
    expect(empty.value("vdc_payment_to_milestone_seconds_count", { milestone: "complete" })).toBe(0);
    for (const stage of STAGES)
      for (const name of [
        "vdc_queue_backlog_messages",
        "vdc_queue_backlog_bytes",
        "vdc_queue_oldest_message_seconds",
      ])
        expect(empty.value(name, { stage }), `${name} ${stage}`).toBe(0);
    for (const part of [
      "chain",
      "measures",
      "queues",
      "intake",
      "counters",
      "alerts",
      "dead_letters",
      "storage",
    ])
      expect(empty.value("vdc_scrape_part_ok", { part }), part).toBe(1);
  });

  it("count payments and their block through every stage", async () => {
    await payMany(pipeline, 7);
    await untilWaiting(pipeline, 7);
    expect((await scrape()).value("vdc_transactions_waiting")).toBe(7);
    await mine(pipeline);
    await untilIdle(pipeline);

    await untilScraped((scraped) => {
      const processed = (stage: string) =>
        scraped.value("vdc_stage_messages_total", { stage, outcome: "processed" });
      expect(processed("pending-writer")).toBe(7);
      // Genesis and the payments' block each took at least one message.
      for (const stage of ["tier-persister", "indexer", "pending-cleaner"])
        expect(processed(stage), stage).toBeGreaterThanOrEqual(2);
      for (const tier of ["r2", "ipfs", "kv"])
        expect(scraped.value("vdc_tier_operation_seconds_count", { tier, operation: "store" })).toBe(2);
    });
    const scraped = await scrape();
    expect(scraped.value("vdc_chain_blocks")).toBe(2);
    expect(scraped.value("vdc_chain_blocks_persisted")).toBe(2);
    expect(scraped.value("vdc_blocks_with_foreign_cid")).toBe(0);
    expect(scraped.value("vdc_transactions_mined_total")).toBe(7);
    expect(scraped.value("vdc_transactions_pending")).toBe(0);
    expect(scraped.value("vdc_mining_failures_total")).toBe(0);
    for (const milestone of ["admitted", "sealed", "persisted", "indexed", "complete"])
      expect(scraped.value("vdc_payment_to_milestone_seconds_count", { milestone }), milestone).toBe(7);
    // The first checkpoint waits for the miner's endorsement of the log's keys: its message is retried once.
    const retriedOnce = scraped.value("vdc_stage_messages_total", {
      stage: "checkpointer",
      outcome: "retried",
    });
    expect([0, 1]).toContain(retriedOnce);
    for (const stage of STAGES.filter((stage) => stage !== "checkpointer"))
      for (const outcome of ["retried", "dead_lettered", "parked"])
        expect(scraped.value("vdc_stage_messages_total", { stage, outcome }), `${stage} ${outcome}`).toBe(0);
  });

  it("show a tier that fails, what is retried, and the block that waits for it", async () => {
    const stored = { tier: "ipfs", operation: "store" };
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "all" });
    await submit(pipeline);
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await untilScraped((scraped) => {
      const retried = { stage: "tier-persister", outcome: "retried" };
      expect(scraped.value("vdc_stage_messages_total", retried)).toBeGreaterThan(0);
      expect(scraped.value("vdc_tier_operation_errors_total", stored)).toBeGreaterThan(0);
      expect(scraped.value("vdc_tier_operation_errors_total", { ...stored, tier: "r2" })).toBe(0);
      expect(scraped.value("vdc_blocks_in_flight", { state: "sealed" })).toBe(1);
      expect(scraped.value("vdc_chain_blocks_persisted")).toBe(2);
    });
    pipeline.pinning.clearFaults();
    await untilIdle(pipeline);
    expect((await scrape()).value("vdc_chain_blocks_persisted")).toBe(3);
    await checkChain(pipeline);
  });

  it("show what a verification read, restored and counted", async () => {
    await pipeline.r2.delete(r2Keys.block(1));
    const verified = await pipeline.operate("/api/storage-verify/verify-all", { method: "POST" });
    expect(await verified.json()).toMatchObject({ totalBlocks: 3, rehydrated: 1, failed: 0 });
    const scraped = await scrape();
    expect(scraped.value("vdc_rehydrations_total", { tier: "r2" })).toBe(1);
    expect(scraped.value("vdc_rehydrations_total", { tier: "kv" })).toBe(0);
    expect(scraped.value("vdc_storage_failing_blocks")).toBe(0);
    expect(scraped.value("vdc_storage_verification_failed_blocks")).toBe(0);
    for (const tier of ["r2", "ipfs", "kv"])
      expect(scraped.value("vdc_tier_operation_seconds_count", { tier, operation: "read" }), tier).toBe(3);
    expect(scraped.value("vdc_tier_operation_seconds_count", { tier: "r2", operation: "repair" })).toBe(1);
  });

  it("count a message that no stage could take, when it is given up and when it is parked", async () => {
    await enqueue(pipeline, "indexer", [{ poison: 1 }]);
    await untilScraped((scraped) => {
      for (const outcome of ["dead_lettered", "parked"])
        expect(scraped.value("vdc_stage_messages_total", { stage: "indexer", outcome }), outcome).toBe(1);
      expect(scraped.value("vdc_dead_letters_open", { stage: "indexer" })).toBe(1);
      expect(scraped.value("vdc_dead_letters_open", { stage: "miner" })).toBe(0);
    });
  });
});

/** Returns the states that were posted of one alert, in order. */
const posted = (alert: string) => alertsOf(alert).map(({ state }) => state);
const alertsOf = (alert: string) => receiver.taken.filter((taken) => taken.alert === alert);

function operate(path: string, body: object): Promise<Response> {
  return pipeline.operate(path, { method: "POST", body: JSON.stringify(body) });
}

async function openDeadLetters(): Promise<string[]> {
  const response = await pipeline.operate("/api/dead-letters?state=open");
  const { entries } = await response.json<{ entries: { id: string }[] }>();
  return entries.map(({ id }) => id);
}

describe("the alerts", () => {
  it("tell of dead letters until an operator has dealt with them, then of nothing while all is well", async () => {
    const before = (await openDeadLetters()).length;
    await enqueue(pipeline, "indexer", [{ poison: 2 }]);
    await until(async () => expect(await openDeadLetters()).toHaveLength(before + 1));
    await pipeline.fireCron("alerts");
    expect(posted("dead_letters")).toEqual(["firing"]);
    for (const id of await openDeadLetters()) {
      const dismissed = await operate(`/api/dead-letters/${id}/dismiss`, { reason: "made by a test" });
      expect(dismissed.status).toBe(200);
    }
    await pipeline.fireCron("alerts");
    await pipeline.fireCron("alerts");
    expect(receiver.taken.map(({ alert, state }) => `${alert} ${state}`)).toEqual([
      "dead_letters firing",
      "dead_letters resolved",
    ]);
    const scraped = await scrape();
    expect(scraped.value("vdc_alert_firing", { alert: "halted" })).toBe(0);
    expect(scraped.value("vdc_alert_checked_timestamp_seconds", { alert: "stalled" })).toBeGreaterThan(1.7e9);
  });

  it("tell of a halted chain once, though a post fails, and of its end [T52]", async () => {
    receiver.fail(true);
    await (await asMiner(pipeline)).halt("block 9: R2 holds other bytes than those sealed");
    await pipeline.fireCron("alerts");
    expect(receiver.refused).toMatchObject([{ alert: "halted", state: "firing" }]);
    expect(posted("halted")).toEqual([]);

    receiver.fail(false);
    await pipeline.fireCron("alerts");
    await pipeline.fireCron("alerts");
    const { since, at, chainId, details, summary } = alertsOf("halted")[0] as Alert;
    expect(posted("halted")).toEqual(["firing"]);
    expect({ chainId, details }).toEqual({
      chainId: "vdc-main",
      details: { reason: "block 9: R2 holds other bytes than those sealed" },
    });
    expect(summary).toContain("`vdc resume --reason …`");
    expect(since).toBeGreaterThan(1_700_000_000_000);
    expect(at).toBeGreaterThanOrEqual(since);
    expect((await scrape()).value("vdc_alert_firing", { alert: "halted" })).toBe(1);
    expect((await scrape()).value("vdc_chain_halted")).toBe(1);

    const resumed = await operate("/api/vdc/resume", { by: "operator", reason: "a test" });
    expect(resumed.status).toBe(200);
    receiver.fail(true); // the recovery is not lost either
    await pipeline.fireCron("alerts");
    receiver.fail(false);
    await pipeline.fireCron("alerts");
    await pipeline.fireCron("alerts");
    expect(posted("halted")).toEqual(["firing", "resolved"]);
    expect((await scrape()).value("vdc_alert_firing", { alert: "halted" })).toBe(0);
  });

  it("tell of payments that wait, then of the block that stalls, and of the end of both", async () => {
    await submit(pipeline);
    await until(async () => {
      await pipeline.fireCron("alerts");
      expect(posted("pending_too_old")).toEqual(["firing"]);
    });
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "all" });
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    await until(async () => {
      await pipeline.fireCron("alerts");
      expect(posted("stalled")).toEqual(["firing"]);
      expect(posted("pending_too_old")).toEqual(["firing", "resolved"]);
    });
    expect(alertsOf("stalled")[0]?.details).toMatchObject({ state: "sealed", stage: "tier-persister" });
    pipeline.pinning.clearFaults();
    await untilIdle(pipeline);
    await pipeline.fireCron("alerts");
    expect(posted("stalled")).toEqual(["firing", "resolved"]);
  });

  it("write into no log where they are posted to [T67]", () => {
    const lines = pipeline.harness.getLogs().map(({ message }) => message);
    expect(lines.some((line) => line.includes("alert.not_posted"))).toBe(true);
    expect(lines.filter((line) => line.includes("T0KEN"))).toEqual([]);
  });
});
