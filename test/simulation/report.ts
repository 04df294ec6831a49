import Table from "cli-table3";
import { FAULT_KINDS } from "./world/faults.ts";
import type { SeedReport } from "./run-seed.ts";

const DAY = 86_400_000;

/** Prints the results of the seeds. @returns the exit code: 1 if a promise was broken */
export function report(
  reports: readonly SeedReport[],
  { mutation }: { mutation?: string | undefined },
): number {
  for (const { trace } of reports) for (const line of trace) console.log(line);
  const table = new Table({ head: ["fault", "times"], style: { head: [], border: [] } });
  for (const kind of FAULT_KINDS)
    table.push([kind, sum(reports, ({ faults }) => new Map(faults).get(kind) ?? 0)]);
  console.log(table.toString());
  const days = sum(reports, ({ simulated }) => simulated) / DAY;
  const violations = sum(reports, ({ violations: { length } }) => length);
  console.log(
    [
      `${reports.length} seeds`,
      `${days.toFixed(1)} simulated days`,
      `${sum(reports, ({ faults }) => faults.reduce((all, [, times]) => all + times, 0))} faults`,
      `${sum(reports, ({ blocks }) => blocks)} blocks`,
      `${sum(reports, ({ transactions }) => transactions)} transactions`,
      `${violations} violations`,
    ].join(", "),
  );
  for (const { seed, violations: found } of reports.filter((one) => one.violations.length > 0)) {
    console.log(`seed ${seed}:`);
    for (const { at, promise, what } of found.slice(0, 10))
      console.log(`  ${new Date(at).toISOString()} ${promise}: ${what}`);
    console.log(`  the same again, line by line: ${replayCommand(seed, mutation)}`);
  }
  return violations > 0 ? 1 : 0;
}

/** Returns the command that runs this seed again and prints a line for each event. */
export function replayCommand(seed: number, mutation?: string): string {
  const broken = mutation === undefined ? "" : ` --mutation ${mutation}`;
  return `npm run simulate -- --seeds 1 --from ${seed}${broken} --trace`;
}

function sum(reports: readonly SeedReport[], of: (report: SeedReport) => number): number {
  return reports.reduce((all, report) => all + of(report), 0);
}
