import { expect, it } from "vitest";
import type { AuditPage } from "../../../shared/api/audit.ts";
import { TestAuditLog } from "../../support/chain/audit-log.ts";
import { vdc } from "./in-process.ts";
import { serve, type Served } from "./server.ts";

function keeperOf(log: TestAuditLog): Promise<Served> {
  return serve(({ path }) => {
    const { from, limit, newest } = Object.fromEntries(new URL(path, "http://x").searchParams);
    const request = {
      from: from === undefined ? undefined : Number(from),
      limit: Number(limit),
      newest: newest === "true",
    };
    return { body: log.page(request) };
  });
}

it("vdc audit list says where to go on: to the entries right before those it shows, and right after", async () => {
  const log = new TestAuditLog();
  for (let i = 0; i < 5; i++) log.record();
  const keeper = await keeperOf(log);
  const shown = async (...args: string[]) => {
    const list = ["audit", "list", "--limit", "3", ...args];
    const { entries } = JSON.parse((await vdc(keeper, ...list, "--json")).stdout) as AuditPage;
    const [, from] = /--from (\d+)/.exec((await vdc(keeper, ...list)).stdout) ?? [];
    return { sequences: entries.map(({ sequence }) => sequence), from };
  };
  expect(await shown()).toEqual({ sequences: [10, 9, 8], from: "5" });
  expect(await shown("--from", "5")).toEqual({ sequences: [5, 6, 7], from: "8" });
  expect(await shown("--from", "8")).toEqual({ sequences: [8, 9, 10], from: undefined });
});
