import { facts, table } from "../../cli/output/table.ts";
import { byteCount, wholeNumber } from "../../cli/output/words.ts";
import type { MemoryVerdict } from "./memory.ts";
import type { Outcome } from "./run.ts";

/** Describes a run for a person. */
export function asText(outcome: Outcome, { payments, seed }: { payments: number; seed: number }): string {
  const { restarts, seconds, memory, violations } = outcome;
  const stopped = `${restarts.stop} stopped, ${restarts.kill} killed at any moment, ${restarts["kill-admitted"]} killed while mining, ${restarts["while-starting"]} while starting`;
  const rows = facts([
    ["payments", wholeNumber(payments)],
    ["transactions", `${wholeNumber(outcome.transactions)}, refunds and signed ones among them`],
    ["mined", wholeNumber(outcome.mined)],
    ["set aside", `${wholeNumber(outcome.setAside)}, too late for an asset`],
    ["blocks", wholeNumber(outcome.blocks)],
    ["requests taken", wholeNumber(outcome.requests)],
    ["repeats", wholeNumber(outcome.repeats)],
    ["sent again", `${wholeNumber(outcome.retries)} times, for there was no answer`],
    ["restarts", stopped],
    ["put in again", `${wholeNumber(outcome.requeued)} that only the local queue held when it was killed`],
    ["time", `${(seconds / 60).toFixed(1)} min, ${(payments / seconds).toFixed(1)} payments a second`],
  ]);
  const held =
    memory.length === 0
      ? []
      : ["", table(["memory", "from", "to", "may grow by", "samples", ""], memory.map(row))];
  const verdict =
    violations.length === 0
      ? ["", `0 violations (seed ${seed})`]
      : [
          "",
          `${violations.length} violations (seed ${seed}):`,
          ...violations.slice(0, 50).map((line) => `  ${line}`),
        ];
  return [rows, ...held, ...verdict].join("\n");
}

function row({ what, worst, samples }: MemoryVerdict) {
  if (worst === undefined) return [what, null, null, null, samples, "too few to tell"];
  const { from, to, allowed, flat } = worst;
  if (allowed === Infinity) return [what, byteCount(from), byteCount(to), null, samples, "not judged"];
  return [what, byteCount(from), byteCount(to), byteCount(allowed), samples, flat ? "flat" : "GROWS"];
}
