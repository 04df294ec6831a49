import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, WORKER_NAMES } from "../../../cli/local/stack/workers.ts";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";

const PAGE = readFileSync(join(ROOT, "docs/threat-model.md"), "utf8");

const TESTS = globSync("test/**/*.{test,prove}.ts", { cwd: ROOT }).map((path) =>
  readFileSync(join(ROOT, path), "utf8"),
);

/** A threat's number and its text, up to the next item or heading. */
const THREATS = new Map(
  [...PAGE.matchAll(/^- \*\*(T\d+) ([\s\S]*?)(?=\n(?:- |\n))/gm)].map(([, number = "", text = ""]) => [
    number,
    text.replaceAll(/\n {2}/g, " "),
  ]),
);

/** The numbers at the end of test titles: `"refuses a repeat [T2 T11]"`. */
const PROVED = TESTS.flatMap((text) =>
  [...text.matchAll(/ \[(T\d+(?: T\d+)*)\]["`]/g)].flatMap(([, numbers = ""]) => numbers.split(" ")),
);

function threatOf(worker: string): string {
  return [...THREATS.values()].find((text) => text.startsWith(`\`${worker}\`**`)) ?? "";
}

describe("docs/threat-model.md", () => {
  it("has a labelled test for each threat, and a threat for each label", () => {
    expect(THREATS.size).toBeGreaterThan(70);
    expect([...new Set(PROVED)].toSorted()).toEqual([...THREATS.keys()].toSorted());
  });

  it("gives each number to one threat", () => {
    const numbers = [...PAGE.matchAll(/\*\*(T\d+)\b/g)].map(([, number]) => number);
    expect(numbers).toEqual([...THREATS.keys()]);
  });

  it.for(WORKER_NAMES)("says of %s all that it holds, its worst, its limits and what shows it", (worker) => {
    const [, holds = ""] = / holds (.*?)\. At worst: .+ Can't: .+ Shown by: ./.exec(threatOf(worker)) ?? [];
    expect([...holds.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(holdingsOf(worker));
    expect(holds).not.toBe("");
  });

  it("covers every kind of attacker", () => {
    expect([...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      "What is protected",
      "Where trust ends",
      "Payments",
      "Submissions, documents and reads",
      "IPFS gateways and the pinning service",
      "Web pages",
      "Stolen secrets",
      "A malicious operator",
      "A Worker that was taken over",
      "Cloudflare, and the storage",
      "Secrets in logs, errors and storage",
      "Supply chain",
      "Time",
      "What is not guarded",
    ]);
  });
});

function holdingsOf(worker: WorkerName): string[] {
  const plan: WorkerPlan = WORKERS[worker];
  return [
    ...plan.touches,
    ...(plan.produces ?? []).map((stage) => `→ ${stage}`),
    ...(plan.calls ?? []).map((called) => `calls ${called}`),
  ];
}
