import { FAULTS, type Fault } from "./fault.ts";
import { FLOWS } from "./flows/all.ts";
import { LISTED } from "./listed.ts";
import type { Outcome } from "./matrix.ts";
import { RECOVERIES, type Recovery } from "./recovery.ts";

/** Explains each fault to a reader who does not know the code. */
const FAULT_WORDS: Readonly<Record<Fault, readonly [string, string]>> = {
  fails: ["fails", "it is not done, and the Worker hears so"],
  unheard: ["unheard", "it is done, and the Worker hears that it failed"],
  dies: ["dies", "it is done, then the Worker dies: nothing that it was about to do happens any more"],
  hangs: ["hangs", "it is not done, and nobody answers until a deadline of ours, or the platform, ends it"],
  twice: ["twice", "it is done two times, one after the other"],
};

const RECOVERY_WORDS: Readonly<Record<keyof typeof RECOVERIES, string>> = {
  counts_once: "done two times, it has the effect of one",
  went_on: "the Worker heard of the failure and carried on: it tried again itself, or can do without",
  found_done: "nothing had to be done again: it was done, or something else sees to it",
  redelivered: "the queue delivered the message again, and the stage did what was missing",
  told_again: "the chain head's watchdog told the stage again, `STALL_AFTER_SECONDS` later",
  alarm: "the alarm of the Durable Object came again",
  cron: "the next cron did it",
  sent_again: "whoever had asked was not answered well, and sent the same again",
};

const heading = (flow: string) => `### ${flow[0]?.toUpperCase()}${flow.slice(1)}`;
const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
/** @param columns all but the first */
const rule = (columns: readonly string[]) => row(["---", ...columns.map(() => "---")]);

/** Makes the page that a run of the matrix writes for people. */
export function faultsPage(outcomes: readonly Outcome[]): string {
  const found = new Map(outcomes.map((outcome) => [`${outcome.write} ${outcome.fault}`, outcome]));
  const cell = (write: string, fault: Fault) => {
    const outcome = found.get(`${write} ${fault}`);
    if (outcome === undefined) return "not run";
    return outcome.recovery === undefined ? "**FAILED**" : RECOVERIES[outcome.recovery];
  };
  const sections = FLOWS.filter(({ name }) => LISTED[name] !== undefined).map(({ name, is }) =>
    [
      heading(name),
      "",
      `${is[0]?.toUpperCase()}${is.slice(1)}.`,
      "",
      row(["write", ...FAULTS]),
      rule(FAULTS),
      ...(LISTED[name] ?? []).map((write) =>
        row([`\`${write}\``, ...FAULTS.map((fault) => cell(write, fault))]),
      ),
      "",
    ].join("\n"),
  );
  return `${BEFORE}\n${sections.join("\n")}`;
}

const RECOVERY_NAMES = Object.keys(RECOVERIES) as Recovery[];
const WORDS = Object.values(RECOVERIES);

/** Counts the cells of each Worker by the way they ended; then the same for each kind of fault. */
export function faultsSummary(outcomes: readonly Outcome[]): string {
  const table = (first: string, groupOf: (outcome: Outcome) => string) => {
    const groups = Map.groupBy(outcomes, groupOf);
    return [
      row([first, "cells", ...WORDS]),
      rule(["cells", ...WORDS]),
      ...[...groups].map(([group, cells]) =>
        row([
          group,
          cells.length,
          ...RECOVERY_NAMES.map((name) => cells.filter(({ recovery }) => recovery === name).length),
        ]),
      ),
    ].join("\n");
  };
  return `${table("Worker", ({ write }) => `\`${write.split(" (")[0]}\``)}\n\n${table("fault", ({ fault }) => fault)}`;
}

const MARKS = ["<!-- summary of the fault matrix -->", "<!-- end of the summary -->"] as const;

/**
 * Puts the summary between the two marks of `docs/proving.md`.
 * @throws Error when the page lacks a mark
 */
export function withSummary(page: string, outcomes: readonly Outcome[]): string {
  const [start, end] = MARKS.map((mark) => page.indexOf(mark));
  if (start === undefined || end === undefined || start < 0 || end < start)
    throw new Error(`docs/proving.md needs ${MARKS.join(" and, behind it, ")}`);
  return `${page.slice(0, start + MARKS[0].length)}\n\n${faultsSummary(outcomes)}\n\n${page.slice(end)}`;
}

const BEFORE = `# The fault matrix

What becomes of the chain when the platform fails at the worst moment. Each line below is one write of one Worker: a put or a
delete in R2 or KV, a pin, a message to a queue, a call of a Durable Object or another Worker that writes, the acknowledgement
of a message. Each column is something that the platform may do to it:

${FAULTS.map((fault) => `- **${FAULT_WORDS[fault][0]}**: ${FAULT_WORDS[fault][1]};`).join("\n")}

\`npm run faults\` writes this page. It runs the bundles that are deployed, in real workerd, with real queues and Durable Objects;
between each Worker and its bindings stands a piece that lets one write go wrong (\`test/faults/instrument.ts\`). A write that is
done and not listed fails the run, and so does a listed write that is never done.

A cell is a word only when the promises held, that is when

- at every moment \`vdc:latest\` only went forward, and named a block that R2, IPFS and KV had, with all before it;
- nothing was sealed before its bytes were durable, no block was put into the archive with two different contents, no pending
  object was deleted before its block was in every tier;
- as soon as the fault had hit, and again at the end, every block in every tier verified as a stranger would verify it: no gap,
  every link, every signature, the same bytes everywhere;
- at the end every transaction that somebody was told is taken stood in exactly one block, its index entry pointed there, and
  nothing was left over in \`pending/\`, \`sealed/\` or the counts: first with nothing else going on, then, the same fault again,
  with another payment arriving meanwhile.

The words say how it got there, as it was seen:

${Object.entries(RECOVERIES)
  .map(([name, words]) => `- **${words}**: ${RECOVERY_WORDS[name as keyof typeof RECOVERIES]};`)
  .join("\n")}

In production the queues deliver again after \`retry_delay\` or a backoff, crons come every minute or ten, and a Worker that
hangs is ended after fifteen minutes at the most; here all that takes a few seconds. What is only counted (\`monitor.report\`) is
not tried again: a figure in the metrics may be too low by what was lost, and nothing else depends on it.

The names: \`tier-persister (queue)\` is the Worker, called by its queue; \`(fetch)\` by HTTP, \`(scheduled)\` by its cron,
\`(submit)\` by another Worker's call of that name; \`chain-head (ChainHead.alarm)\` is a Durable Object, called by its alarm.
`;
