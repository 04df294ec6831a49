import { describe, expect, it } from "vitest";
import { onSchedule } from "../../../../shared/objects/audit-log.ts";
import { Problem } from "../../../../shared/http/problems.ts";
import { logger } from "../../../../shared/runtime/log.ts";
import { TestAuditLog } from "../../../support/chain/audit-log.ts";

const ACTION = { action: "cron verify-all", target: "all blocks", requestId: "run-1" };

function scheduled(log: TestAuditLog, work: () => Promise<{ id: string }>) {
  return onSchedule({ env: log.env, log: logger("test") }, ACTION, work);
}

describe("what the clock starts", () => {
  it("is recorded as nobody's order, with what came of it", async () => {
    const log = new TestAuditLog();
    expect(await scheduled(log, async () => ({ id: "run-1" }))).toEqual({ id: "run-1" });
    const action = { ...ACTION, operator: { name: "schedule", by: "schedule" }, reason: null };
    expect(log.entries()).toMatchObject([
      { ...action, kind: "asked", outcome: null },
      {
        ...action,
        kind: "answered",
        outcome: { asked: 1, status: null, problem: null, result: { id: "run-1" } },
      },
    ]);
  });

  it.each([
    { fails: new Error("no luck"), problem: "internal-error" },
    { fails: new Problem("unavailable", "KV can't be reached."), problem: "unavailable" },
  ])("fails as it did, with $problem in the log", async ({ fails, problem }) => {
    const log = new TestAuditLog();
    await expect(scheduled(log, () => Promise.reject(fails))).rejects.toBe(fails);
    expect(log.entries()[1]?.outcome).toEqual({ asked: 1, status: null, problem, result: null });
  });

  it("is not done while the log can't take it", async () => {
    const log = new TestAuditLog();
    log.failure = { started: new Error("away") };
    let done = 0;
    const work = async () => ({ id: `run-${++done}` });
    await expect(scheduled(log, work)).rejects.toMatchObject({ slug: "audit-unavailable" });
    expect(done).toBe(0);
  });
});
