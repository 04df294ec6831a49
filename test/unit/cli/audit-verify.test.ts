import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { auditHash, NO_PREVIOUS_ENTRY } from "../../../shared/chain/audit-chain.ts";
import { vdc } from "./in-process.ts";
import { serve, type Served } from "./server.ts";

function logOf(count: number): Record<string, unknown>[] {
  const entries: Record<string, unknown>[] = [];
  let previousHash = NO_PREVIOUS_ENTRY;
  for (let sequence = 1; sequence <= count; sequence++) {
    const entry = {
      sequence,
      at: sequence,
      operator: { name: "alice", by: "secret" },
      action: "POST /api/vdc/mine",
      target: "/api/vdc/mine",
      reason: null,
      requestId: "r",
      previousHash,
      kind: "asked",
      outcome: null,
    };
    previousHash = auditHash(entry);
    entries.push({ ...entry, hash: previousHash });
  }
  return entries;
}

/** Serves the entries, two on a page. */
function keeperOf(entries: readonly Record<string, unknown>[], end = entries): Promise<Served> {
  const { sequence, hash } = end.at(-1) ?? {};
  return serve(({ path }) => {
    const from = Number(new URL(path, "http://x").searchParams.get("from"));
    const page = entries.slice(from - 1, from + 1);
    const next = from + 1 < entries.length ? from + 2 : null;
    return { body: { entries: page, next, head: sequence === undefined ? null : { sequence, hash } } };
  });
}

describe("vdc audit verify", () => {
  it("reads the whole log, page by page, and prints its head", async () => {
    const log = logOf(5);
    const { code, stdout } = await vdc(await keeperOf(log), "audit", "verify", "--json");
    expect({ code, report: JSON.parse(stdout) }).toEqual({
      code: 0,
      report: {
        verified: true,
        entries: 5,
        head: { sequence: 5, hash: log[4]?.hash },
        unanswered: [1, 2, 3, 4, 5],
      },
    });
    expect((await vdc(await keeperOf([]), "audit", "verify")).code).toBe(0);
  });

  it.for([
    ["a changed entry", (log) => log.with(2, { ...log[2], target: "/other" }), [], "wrong_hash"],
    ["a missing entry", (log) => log.toSpliced(2, 1), [], "wrong_sequence"],
    ["an end that is cut off", (log) => log.slice(0, 4), [], "truncated"],
    ["another head than was noted", (log) => log, ["--head", `3:${"0".repeat(64)}`], "other_head"],
  ] as [string, (log: Record<string, unknown>[]) => Record<string, unknown>[], string[], string][])(
    "finds %s",
    async ([, change, args, fault]) => {
      const log = logOf(5);
      const { code, stdout } = await vdc(
        await keeperOf(change(log), log),
        "audit",
        "verify",
        "--json",
        ...args,
      );
      expect({ code, report: JSON.parse(stdout) }).toMatchObject({
        code: EXIT.unverified,
        report: { verified: false, fault },
      });
    },
  );
});
