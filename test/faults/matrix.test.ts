import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { sources } from "../contract/sources.ts";
import { FAULTS } from "./fault.ts";
import { ELSEWHERE, LISTED } from "./listed.ts";
import { recordedOutcomes } from "./record.ts";
import { faultsSummary } from "./table.ts";
import { isRead } from "./writes.ts";

const CALLEES: Readonly<Record<string, string>> = {
  chainHead: "chain-head",
  deadLetters: "dead-letters",
  monitor: "monitor",
  storageRuns: "storage-runs",
  documentIndex: "document-index",
  audit: "audit-log",
  logHead: "log-head",
  ACCOUNTS: "accounts",
  STORAGE_VERIFIER: "storage-verifier",
  USER_METADATA: "user-metadata",
};
const CALL = new RegExp(
  `\\b(${Object.keys(CALLEES).join("|")})(?:\\([\\w.]*\\)|\\.getByName\\([\\w.]*\\))?\\s*\\.(\\w+)\\(`,
  "g",
);

it("knows of every call of another Worker or Durable Object that the sources make", () => {
  const calls = [...sources("workers/**/*.ts"), ...sources("shared/**/*.ts")].flatMap(({ text }) =>
    [...text.matchAll(CALL)].map(([, callee = "", method = ""]) => `${CALLEES[callee]}.${method}`),
  );
  const made = new Set(calls.filter((call) => !/\.(?:fetch|getByName)$/.test(call)));
  expect(made.size).toBeGreaterThan(50);
  const listed = Object.values(LISTED)
    .flat()
    .map((write) => write.split(": ")[1]);
  const unknown = [...made].filter(
    (call) => !isRead(`: ${call}`) && !listed.includes(call) && ELSEWHERE[call] === undefined,
  );
  expect(unknown).toEqual([]);
  expect(Object.keys(ELSEWHERE).filter((call) => !made.has(call) || listed.includes(call))).toEqual([]);
  for (const path of Object.values(ELSEWHERE)) expect(existsSync(join(ROOT, path)), path).toBe(true);
});

it("has run each listed write with each fault, and all promises held; if not: npm run faults -- <words of the write>", () => {
  const outcomes = recordedOutcomes();
  const cells = Object.values(LISTED).flatMap((writes) =>
    writes.flatMap((write) => FAULTS.map((fault) => `${write} · ${fault}`)),
  );
  expect(outcomes.map(({ write, fault }) => `${write} · ${fault}`).toSorted()).toEqual(cells.toSorted());
  expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

it("is summed up in docs/proving.md as the record has it; if not: npm run faults", () => {
  const page = readFileSync(join(ROOT, "docs", "proving.md"), "utf8");
  expect(withoutPadding(page)).toContain(withoutPadding(faultsSummary(recordedOutcomes())));
});

function withoutPadding(tables: string): string {
  return tables.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---");
}
