// Asks the registry which dependencies have known weaknesses. If it cannot ask, it prints so and passes: a lost network
// must not fail CI, and must not look like a successful audit. The last line is the result.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { Accepted, assess, readAudit, type Advisory, type Reading } from "./advisories.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const NPM_DEADLINE_MS = 60_000; // for one call of npm

function ask(...more: string[]): Reading {
  const { stdout, error } = spawnSync(
    "npm",
    ["audit", "--json", "--package-lock-only", "--fetch-retries=1", "--fetch-timeout=20000", ...more],
    { cwd: ROOT, encoding: "utf8", timeout: NPM_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 },
  );
  return readAudit(error === undefined ? stdout : null);
}

function lineOf({ severity, id, package: name, range, title, production }: Advisory): string {
  return `${severity} ${id} ${name} ${range}${production ? "" : " (tools only)"}: ${title}`;
}

function audit(): number {
  const list: unknown = JSON.parse(readFileSync(join(ROOT, ".ci", "accepted-advisories.json"), "utf8"));
  const accepted = v.parse(Accepted, list);
  const [production, all] = [ask("--omit=dev"), ask()];
  for (const reading of [production, all]) {
    if ("broken" in reading) {
      console.log(`dependency audit: FAILED, npm can't read what is to be audited: ${reading.broken}`);
      return 1;
    }
    if ("unreachable" in reading) {
      console.log(
        `dependency audit: SKIPPED, the registry could not be asked for known weaknesses: ${reading.unreachable}`,
      );
      return 0;
    }
  }
  if (!("report" in production) || !("report" in all)) throw new Error("each reading is one of three");
  const today = new Date().toISOString().slice(0, 10);
  const verdict = assess({ production: production.report, all: all.report }, accepted, today);
  for (const advisory of verdict.toReview) console.log(`to review: ${lineOf(advisory)}`);
  for (const advisory of verdict.accepted) console.log(`accepted: ${lineOf(advisory)}`);
  for (const id of verdict.stale)
    console.log(
      `${id} in .ci/accepted-advisories.json has expired, or no dependency has it: delete the entry`,
    );
  for (const advisory of verdict.failing) console.log(`FAILS: ${lineOf(advisory)}`);
  const { failing, toReview } = verdict;
  console.log(
    `dependency audit: ${failing.length} failing, ${toReview.length} to review, ${verdict.accepted.length} accepted`,
  );
  return failing.length === 0 ? 0 : 1;
}

process.exitCode = audit();
