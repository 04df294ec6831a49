import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { Accepted, assess, readAudit, type NpmAuditReport } from "../../../cli/tools/advisories.ts";
import { ROOT } from "../../../cli/local/stack/workers.ts";

const via = (name: string, id: string, severity: "low" | "moderate" | "high" | "critical") => ({
  name,
  title: `${name} can be made to loop`,
  url: `https://github.com/advisories/${id}`,
  severity,
  range: "<2.0.0",
});
const A = "GHSA-2222-3333-4444";
const B = "GHSA-5555-6666-7777";

function report(...vias: ReturnType<typeof via>[]): NpmAuditReport {
  const dependants = vias.map(({ name }): [string, { via: string[] }] => [
    `user-of-${name}`,
    { via: [name] },
  ]);
  return {
    auditReportVersion: 2,
    vulnerabilities: Object.fromEntries([...dependants, ...vias.map((one) => [one.name, { via: [one] }])]),
  };
}

const accept = (id: string, expires: string, name = "left") => ({
  accepted: [
    {
      id,
      package: name,
      expires,
      by: "ann",
      reason: "it is called with texts of ours alone, never with a caller's",
    },
  ],
});
const NONE = { accepted: [] };
const NOW = "2026-11-23";
const idsOf = (advisories: readonly { id: string }[]) => advisories.map(({ id }) => id);

describe("the audit of dependencies", () => {
  it.each(["high", "critical"] as const)(
    "fails for one that is %s, in what is deployed [T74]",
    (severity) => {
      const production = report(via("left", A, severity));
      const verdict = assess({ production, all: production }, NONE, NOW);
      expect(verdict.failing).toMatchObject([{ id: A, package: "left", severity, production: true }]);
      expect(verdict.toReview).toEqual([]);
    },
  );

  it("tells of what is less severe, or in the tools of the build only", () => {
    const production = report(via("left", A, "moderate"));
    const all = report(via("left", A, "moderate"), via("tool", B, "critical"));
    const verdict = assess({ production, all }, NONE, NOW);
    expect(verdict.failing).toEqual([]);
    expect(idsOf(verdict.toReview).toSorted()).toEqual([A, B]);
  });

  it("lets pass what was accepted, until its day comes, and only in that package [T74]", () => {
    const production = report(via("left", A, "high"));
    const judged = (accepted: Accepted) => assess({ production, all: production }, accepted, NOW);
    expect(judged(accept(A, "2026-11-24"))).toMatchObject({ failing: [], accepted: [{ id: A }], stale: [] });
    expect(judged(accept(A, NOW))).toMatchObject({ failing: [{ id: A }], accepted: [], stale: [A] });
    expect(judged(accept(B, "2026-11-24"))).toMatchObject({ failing: [{ id: A }], stale: [B] });
    expect(judged(accept(A, "2026-11-24", "right"))).toMatchObject({ failing: [{ id: A }], stale: [A] });
  });

  it.each([
    [null, "in time"],
    ["", "nothing that can be read"],
    ["<html>", "nothing that can be read"],
    [
      '{"message":"405 Method Not Allowed - POST https://registry.example/","statusCode":405,"error":{"summary":""}}',
      "405",
    ],
    [
      '{"message":"request to https://registry.example failed","error":{"code":"ENOTFOUND","summary":"no network"}}',
      "no network",
    ],
    ['{"error":{"code":null,"summary":"too many requests"}}', "too many requests"],
  ])("can't be made where nobody answers: %j [T74]", (stdout, why) => {
    expect(readAudit(stdout)).toEqual({ unreachable: expect.stringContaining(why) as string });
  });

  it("fails where there is nothing to audit: that is no affair of the network", () => {
    const stdout = '{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile."}}';
    expect(readAudit(stdout)).toEqual({ broken: "This command requires an existing lockfile." });
  });

  it("reads npm's report", () => {
    const answer = report(via("left", A, "high"));
    const whole = { ...answer, metadata: { vulnerabilities: { high: 1 } } };
    expect(readAudit(JSON.stringify(whole))).toEqual({ report: answer });
  });

  it("is what CI runs, and its list of accepted advisories has a reason and an end for each", () => {
    expect(readFileSync(join(ROOT, ".ci/run"), "utf8")).toContain("node cli/tools/audit.ts");
    const list: unknown = JSON.parse(readFileSync(join(ROOT, ".ci/accepted-advisories.json"), "utf8"));
    expect(v.is(Accepted, list)).toBe(true);
    const { reason: _, ...unfounded } = accept(A, NOW).accepted[0]!;
    expect(v.is(Accepted, { accepted: [unfounded] })).toBe(false);
    expect(v.is(Accepted, { accepted: [{ ...unfounded, reason: "" }] })).toBe(false);
  });
});
