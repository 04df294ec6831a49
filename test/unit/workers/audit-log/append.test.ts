import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { auditHash, verifyAuditChain } from "../../../../shared/chain/audit-chain.ts";
import { migrate } from "../../../../workers/audit-log/schema.ts";
import { auditedAction, DONE, TestAuditLog } from "../../../support/chain/audit-log.ts";

describe("the audit log", () => {
  it("begins with entry 1 after 64 zeros, and links each entry to the one before", () => {
    const log = new TestAuditLog();
    expect(log.page()).toEqual({ entries: [], next: null, head: null });
    log.record();
    const [asked, answered] = log.entries();
    expect(asked).toEqual({
      ...auditedAction(),
      sequence: 1,
      at: 1_800_000_000_000,
      kind: "asked",
      outcome: null,
      previousHash: "0".repeat(64),
      hash: auditHash(asked ?? {}),
    });
    expect(answered).toEqual({
      ...auditedAction(),
      sequence: 2,
      at: 1_800_000_001_000,
      kind: "answered",
      outcome: { asked: 1, ...DONE },
      previousHash: asked?.hash,
      hash: auditHash(answered ?? {}),
    });
  });

  it("tells where an entry stands, as whoever notes it must name it", () => {
    const log = new TestAuditLog();
    const head = log.started();
    expect(log.page().head).toEqual(head);
    expect(verifyAuditChain(log.entries(), [head])).toEqual(head);
  });

  it("keeps the first answer: told again, nothing changes", () => {
    const log = new TestAuditLog();
    const { sequence } = log.started();
    const first = log.finished(sequence);
    log.record();
    const before = log.entries();
    expect(log.finished(sequence, { status: 500, problem: "internal-error", result: null })).toEqual(first);
    expect(log.entries()).toEqual(before);
  });

  it("takes no answer to what was not asked", () => {
    const log = new TestAuditLog();
    log.record();
    for (const sequence of [0, 2, 3, -1])
      expect(() => log.finished(sequence)).toThrow("is not the start of an action");
    expect(log.entries()).toHaveLength(2);
  });

  it("does not run backwards when the clock does", () => {
    const log = new TestAuditLog();
    const start = log.now;
    log.started();
    log.now -= 60_000;
    log.started();
    expect(log.entries().map(({ at }) => at)).toEqual([start, start]);
  });

  it("keeps texts short, sound, and without a customer's address or a key, for nothing can be taken out again [T68]", () => {
    const log = new TestAuditLog();
    const half = "\ud83d";
    const { sequence } = log.started({
      operator: { name: `${"n".repeat(99)}😀`, by: "secret" },
      target: `/api/x/${half}?token=whsec_123`,
      reason: "r".repeat(2_000),
    });
    log.started({ reason: `asked by buyer@shop.example ${half}` });
    const result = { id: "sk_live_123", text: "t".repeat(500), many: 3, none: null };
    log.finished(sequence, { ...DONE, result });
    const [asked, other, answered] = log.entries();
    expect(asked?.operator.name).toBe(`${"n".repeat(99)}\ufffd`);
    expect(asked?.target).toBe("/api/x/\ufffd?token=[secret]");
    expect(asked?.reason).toHaveLength(1_000);
    expect(other?.reason).toBe("asked by [e-mail] \ufffd");
    expect(answered?.outcome?.result).toEqual({ id: "[secret]", text: "t".repeat(200), many: 3, none: null });
    expect(verifyAuditChain(log.entries())).not.toBeNull();
  });

  it("takes nothing that no verifier would take", () => {
    const log = new TestAuditLog();
    const { sequence } = log.started();
    for (const wrong of [
      { operator: { name: "", by: "access" } },
      { operator: { name: "x", by: "nobody" as "access" } },
      { requestId: "r".repeat(65) },
    ] as const)
      expect(() => log.started(wrong)).toThrow(v.ValiError);
    for (const wrong of [{ status: 7 }, { result: { deep: {} as never } }, { problem: "No!" }])
      expect(() => log.finished(sequence, { ...DONE, ...wrong })).toThrow(v.ValiError);
    expect(log.entries()).toHaveLength(1);
    log.finished(sequence);
    expect(verifyAuditChain(log.entries())).toEqual(log.page().head);
  });

  it.each([
    "DELETE FROM entry",
    "DELETE FROM entry WHERE sequence = 4",
    "UPDATE entry SET json = '{}' WHERE sequence = 1",
    "INSERT OR REPLACE INTO entry (sequence, answers, json) VALUES (2, 1, '{}')",
    "INSERT OR REPLACE INTO entry (sequence, answers, json) VALUES (5, 1, '{}')",
    "INSERT INTO entry (sequence, answers, json) VALUES (6, NULL, '{}')",
    "INSERT INTO entry (sequence, answers, json) VALUES (0, NULL, '{}')",
  ])("refuses to be changed by a statement: %s", (statement) => {
    const log = new TestAuditLog();
    log.record();
    log.record();
    const before = log.entries();
    expect(() => log.sql.look(statement)).toThrow("only grows");
    expect(log.entries()).toEqual(before);
  });

  it("is not written to by older code", () => {
    const log = new TestAuditLog();
    migrate(log.sql); // again: as at every start
    log.sql.exec("INSERT INTO schema_migration (version) VALUES (99)");
    expect(() => migrate(log.sql)).toThrow("deploy the newer code");
  });

  it("pages forwards and backwards, and says where to go on", () => {
    const log = new TestAuditLog();
    for (let i = 0; i < 5; i++) log.started();
    const shown = (request: Parameters<typeof log.page>[0]) => {
      const { entries, next } = log.page(request);
      return [entries.map(({ sequence }) => sequence), next];
    };
    expect(shown({ limit: 2 })).toEqual([[1, 2], 3]);
    expect(shown({ limit: 2, from: 4 })).toEqual([[4, 5], null]);
    expect(shown({ limit: 2, from: 6 })).toEqual([[], null]);
    expect(shown({ limit: 2, newest: true })).toEqual([[5, 4], 3]);
    expect(shown({ limit: 2, newest: true, from: 2 })).toEqual([[2, 1], null]);
    expect(shown({ limit: 9, newest: true, from: 9 })).toEqual([[5, 4, 3, 2, 1], null]);
  });
});
