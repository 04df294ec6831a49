import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, WORKER_NAMES } from "../../../cli/local/workers.ts";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";
import { titlesIn } from "../../support/titles.ts";

const DOCUMENT = readFileSync(join(ROOT, "docs/threat-model.md"), "utf8");

/** Tests by the labels with which rows name them. */
const TESTS = new Map(
  [...DOCUMENT.matchAll(/^\[\^([a-z0-9-]+)\]: `([^`]+)` › `(.+)`$/gm)].map(([, label = "", path, title]) => [
    label,
    { path: path ?? "", title: title ?? "" },
  ]),
);

interface Row {
  readonly section: string;
  readonly cells: readonly string[];
}

/** Returns the rows of every table with a column of tests, without the header rows. */
function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  let section = "";
  let within: "none" | "head" | "rows" = "none";
  for (const line of text.split("\n")) {
    section = /^#+ (.+)$/.exec(line)?.[1] ?? section;
    if (!line.startsWith("|")) {
      within = "none";
      continue;
    }
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (within === "rows" && !/^:?-+:?$/.test(cells[0] ?? "")) rows.push({ section, cells });
    if (within === "none") within = cells.at(-1) === "tests" ? "rows" : "head";
  }
  return rows;
}

function labelsIn(text: string): string[] {
  return [...text.matchAll(/\[\^([a-z0-9-]+)\]/g)].map(([, label = ""]) => label);
}

const ROWS = rowsOf(DOCUMENT);
const OF_WORKERS = ROWS.filter(({ section }) => section === "A Worker that was taken over");

describe("docs/threat-model.md", () => {
  it("names a test in every row, and says in every row what it has to say", () => {
    expect(ROWS.length).toBeGreaterThan(70);
    for (const { cells } of ROWS) {
      expect(labelsIn(cells.at(-1) ?? ""), cells[0]).not.toEqual([]);
      expect(
        cells.filter((cell) => cell === ""),
        cells[0],
      ).toEqual([]);
    }
  });

  it("names only tests that there are, by file and full title", () => {
    const missing = [...TESTS].filter(
      ([, { path, title }]) => !existsSync(join(ROOT, path)) || !titlesIn(path).has(title),
    );
    expect(missing).toEqual([]);
  });

  it("says of each label which test it is, and has none that no row names", () => {
    const named = new Set(labelsIn(DOCUMENT.replaceAll(/^\[\^[a-z0-9-]+\]: .*$/gm, "")));
    expect([...named].toSorted()).toEqual([...TESTS.keys()].toSorted());
    const defined = [...DOCUMENT.matchAll(/^\[\^([a-z0-9-]+)\]:/gm)];
    expect(defined).toHaveLength(TESTS.size); // each once, and each in the form that this test reads
  });

  it("has a row for every Worker", () => {
    expect(OF_WORKERS.map(({ cells }) => cells[0])).toEqual(WORKER_NAMES.map((worker) => `\`${worker}\``));
  });

  it.for(WORKER_NAMES)("says of %s what it holds: all of the map, and nothing else", (worker) => {
    const row = OF_WORKERS.find(({ cells }) => cells[0] === `\`${worker}\``);
    const held = [...(row?.cells[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    expect(held).toEqual(holdingsOf(worker));
  });

  it("covers every kind of attacker that was asked for", () => {
    const sections = new Set(ROWS.map(({ section }) => section));
    expect([...sections]).toEqual([
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
    ]);
    expect(DOCUMENT).toContain("\n## What is not guarded\n");
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
