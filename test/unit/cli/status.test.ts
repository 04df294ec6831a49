import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import type { PipelineStatus } from "../../../shared/api/status.ts";
import { statusText } from "../../../cli/commands/status.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const QUIET: PipelineStatus = {
  latest: 3,
  halted: null,
  counts: {
    pending: 0,
    waiting: 0,
    mined: 3,
    setAside: 0,
    refused: 0,
    blocks: 4,
    awaitingPayment: 0,
    paidUnreleased: 0,
  },
  ignored: {},
  oldestWaitingSeconds: null,
  inFlight: [],
  queues: { "tier-persister": { messages: 0, bytes: 0, oldestAt: null } },
  retries: [],
  alerts: [],
  failures: [],
};
const FAILED = {
  stage: "tier-persister",
  error: "Error: Pinata answered 503",
  attempts: 6,
  at: NOW - 60_000,
  nextRetryAt: NOW + 240_000,
  lastDoneAt: null,
};
const text = (changes: Partial<PipelineStatus>) =>
  stripVTControlCharacters(statusText({ ...QUIET, ...changes }, NOW));

it("shows of a stage that waits for its next attempt why it failed, how often, and when it is tried again", () => {
  expect(text({ retries: [FAILED] })).toMatch(
    /^tier-persister +2026-11-30T11:59:00Z +6 +2026-11-30T12:04:00Z +Pinata answered 503$/m,
  );
});

it("says that a message was given up, and nothing of a failure that is over", () => {
  expect(text({ retries: [{ ...FAILED, nextRetryAt: null }] })).toContain("given up: dead letter");
  expect(text({ retries: [{ ...FAILED, nextRetryAt: NOW - 1, lastDoneAt: NOW }] })).not.toContain("Pinata");
});

it("says that what is retried is not known when the monitor can't be read", () => {
  expect(text({ retries: null, alerts: null })).toContain("not known");
});

it("names the way on of a halted chain, the alerts that fire, and that genesis is among the blocks", () => {
  const shown = text({
    halted: { reason: "a fork at block 3", at: NOW, endsWith: "resume" },
    alerts: [{ alert: "stalled", since: NOW, summary: "Block 3 has been sealed for 9 minutes" }],
  });
  expect(shown).toContain("a fork at block 3");
  expect(shown).toContain("vdc resume --reason");
  expect(shown).toContain("alert stalled since 2026-11-30T12:00:00Z: Block 3");
  expect(shown).toMatch(/^blocks, with genesis +4$/m);
});
