import { facts, table } from "../output/table.ts";
import { counted, time } from "../output/words.ts";
import type {
  DeadLetterEntry,
  DismissalPlan,
  Replay,
  ReplayPlan,
  StageRecovery,
} from "../../shared/api/dead-letters.ts";

export function entryTable(entries: readonly DeadLetterEntry[]): string {
  const rows = entries.map((entry) => [
    entry.id,
    entry.state,
    entry.stage,
    entry.reason,
    about(entry),
    entry.attempts,
    time(entry.lastSeen),
  ]);
  return table(["dead letter", "state", "stage", "reason", "about", "attempts", "last seen"], rows);
}

/** Describes the replay that runs without an operator. */
export function recoveryText({ stage, nextAt }: StageRecovery): string {
  return nextAt === null
    ? `${stage} works again: its letters of retries_exhausted are being replayed by themselves`
    : `${stage}: the next letter of retries_exhausted is replayed by itself at ${time(nextAt)}`;
}

export function entryText(entry: DeadLetterEntry): string {
  const { dismissed, failures } = entry;
  return [
    facts([
      ["dead letter", entry.id],
      [
        "state",
        entry.replaysItself ? `${entry.state}: VDC replays it without you once its stage works` : entry.state,
      ],
      ["stage", entry.stage],
      ["reason", entry.reason],
      ["error", entry.error],
      ["about", about(entry)],
      ["attempts", entry.attempts],
      ["first seen", time(entry.firstSeen)],
      ["last seen", time(entry.lastSeen)],
      ...(dismissed === null
        ? []
        : [["dismissed", `${time(dismissed.at)} by ${dismissed.by}: ${dismissed.reason}`] as const]),
    ]),
    "",
    table(
      ["failed at", "reason", "attempts", "error"],
      failures.map(({ at, reason, attempts, error }) => [time(at), reason, attempts, error]),
    ),
  ].join("\n");
}

/** Advises on an open dead letter. */
export function adviceOn({ id, reason }: DeadLetterEntry): string {
  return [
    `docs/problems.md ("Permanent reasons") says what \`${reason}\` means and how to mend it. Then:`,
    `  vdc dead-letters replay ${id} --reason "what was mended"`,
    "or, where nothing is to be done:",
    `  vdc dead-letters dismiss ${id} --reason "why not"`,
  ].join("\n");
}

/** Describes a replay before it is confirmed. */
export function planText(plan: ReplayPlan): string {
  const { total, wouldReplay, wouldFail, wouldSkip, more, items } = plan;
  const rows = items.map((item) => [item.id, item.stage, about(item), WOULD[item.action], item.detail]);
  return [
    ...(rows.length === 0 ? [] : [table(["dead letter", "stage", "about", "would", "why"], rows)]),
    ...(total > items.length ? [`… and ${total - items.length} more`] : []),
    `${counted(total, "dead letter")}: ${wouldReplay} would be replayed, ${wouldFail} would fail again, ${wouldSkip} would be skipped`,
    ...(more ? ["More are selected: these are the first of them."] : []),
  ].join("\n");
}

const WOULD = { replay: "be replayed", fail_again: "fail again", skip: "be skipped" } as const;

/** Describes a dismissal before it is confirmed. */
export function dismissalText(plan: DismissalPlan): string {
  const { total, wouldDismiss, wouldSkip, more, items } = plan;
  const rows = items.map((item) => [item.id, item.stage, item.reason, about(item), item.action, item.detail]);
  return [
    ...(rows.length === 0 ? [] : [table(["dead letter", "stage", "reason", "about", "would", "why"], rows)]),
    ...(total > items.length ? [`… and ${total - items.length} more`] : []),
    `${counted(total, "dead letter")}: ${wouldDismiss} would be dismissed, ${wouldSkip} skipped`,
    ...(more ? ["More are selected: these are the first of them, and all would be dismissed."] : []),
  ].join("\n");
}

export function replayText(replay: Replay): string {
  const { items = [] } = replay;
  const notReplayed = items.filter(({ outcome }) => outcome !== "replayed");
  return [
    facts([
      ["replay", replay.id],
      ["state", replay.state],
      ["reason", replay.reason],
      ["by", replay.by],
      ["started", time(replay.createdAt)],
      ["ended", time(replay.endedAt)],
      ["a second", replay.ratePerSecond],
      ["total", replay.selecting ? `${replay.total} so far` : replay.total],
      ["replayed", replay.replayed],
      ["skipped", replay.skipped],
      ["failed", replay.failed],
    ]),
    ...(notReplayed.length === 0
      ? []
      : [
          "",
          table(
            ["dead letter", "outcome", "detail"],
            notReplayed.map(({ id, outcome, detail }) => [id, outcome, detail]),
          ),
        ]),
  ].join("\n");
}

export function replayTable(replays: readonly Replay[]): string {
  const rows = replays.map((replay) => [
    replay.id,
    replay.state,
    time(replay.createdAt),
    replay.by,
    replay.total,
    replay.replayed,
    replay.skipped,
    replay.failed,
    replay.reason,
  ]);
  return table(
    ["replay", "state", "started", "by", "total", "replayed", "skipped", "failed", "reason"],
    rows,
  );
}

function about({ txId, blockNumber }: Pick<DeadLetterEntry, "txId" | "blockNumber">): string | null {
  return txId ?? (blockNumber === null ? null : `block ${blockNumber}`);
}
