import { haltedText } from "../../shared/api/halted-text.ts";
import { DURABLE_OBJECT_BYTES, type ObjectBytes } from "../../shared/durable-object/object-bytes.ts";
import type { StatusFacts } from "../chain-head/reads/status.ts";
import type { AlertCheck } from "../../shared/objects/alerts.ts";
import type { DeadLetterCounts } from "../../shared/objects/dead-letters.ts";
import type { DocumentTotals } from "../../shared/api/storage-report.ts";
import type { StorageSummary } from "../storage-verifier/runs/failing-blocks.ts";
import type { Limits } from "./env.ts";
import type { Readings } from "./readings.ts";

/**
 * Decides for each alert whether it fires. A halted chain does no work on purpose, so `stalled` and `pending_too_old` are not
 * checked then.
 * @param now milliseconds since the epoch
 */
export function checkAlerts(readings: Readings, limits: Limits, now: number): AlertCheck[] {
  const { chain, intake, deadLetters, storage, documents, objects } = readings;
  const running = chain !== undefined && chain.halted === null;
  return [
    ...(chain ? [halted(chain)] : []),
    ...(running ? [stalled(chain, limits, now)] : []),
    ...(running && intake ? [pendingTooOld(chain, intake.oldestAt, limits, now)] : []),
    ...(deadLetters ? [openDeadLetters(deadLetters)] : []),
    ...(storage && !undecided(storage) ? [failedVerification(storage)] : []),
    ...(documents ? [incompleteDocuments(documents)] : []),
    ...(objects ? [objectNearlyFull(objects)] : []),
    unreadable(readings),
  ];
}

function halted({ halted: halt }: StatusFacts): AlertCheck {
  if (halt === null)
    return {
      alert: "halted",
      firing: false,
      summary: "An operator has resumed or restored the chain, so blocks are made again.",
      details: {},
    };
  return {
    alert: "halted",
    firing: true,
    since: halt.at,
    summary: haltedText(halt),
    details: { reason: halt.reason },
  };
}

function stalled({ unfinished, miningOwedSince }: StatusFacts, limits: Limits, now: number): AlertCheck {
  const movedBefore = now - limits.stalledSeconds * 1_000;
  const stuck = unfinished
    .map((block) => ({ ...block, movedAt: lastMove(block.times) }))
    .filter(({ movedAt }) => movedAt < movedBefore);
  const [first] = stuck.toSorted((a, b) => a.movedAt - b.movedAt);
  if (first !== undefined)
    return {
      alert: "stalled",
      firing: true,
      since: first.movedAt,
      summary: `Block ${first.blockNumber} has been ${first.state} for ${minutes(now - first.movedAt)}: ${first.stage} does not finish it. Nothing is lost, and ${first.stage} is retried by itself. Read its log to see what fails.`,
      details: {
        blockNumber: first.blockNumber,
        state: first.state,
        stage: first.stage ?? null,
        blocks: stuck.length,
      },
    };
  if (miningOwedSince !== null && miningOwedSince < movedBefore)
    return {
      alert: "stalled",
      firing: true,
      since: miningOwedSince,
      summary: `Payments should have been in a block ${minutes(now - miningOwedSince)} ago, but the miner has not made it. Nothing is lost, and the miner is asked again by itself. Read its log to see what fails.`,
      details: { blockNumber: null, state: null, stage: "miner", blocks: 0 },
    };
  return {
    alert: "stalled",
    firing: false,
    summary: "Every block in flight is moving again, and no payment is overdue.",
    details: {},
  };
}

function lastMove(times: StatusFacts["unfinished"][number]["times"]): number {
  return Math.max(...Object.values(times).map((time) => time ?? 0));
}

function pendingTooOld(
  { oldestWaitingAt, releaseOwedSince, counts }: StatusFacts,
  oldestInQueueAt: number | null,
  limits: Limits,
  now: number,
): AlertCheck {
  const places = [
    { waitsFor: "miner", since: oldestWaitingAt ?? Infinity },
    { waitsFor: "pending-writer", since: oldestInQueueAt ?? Infinity },
    { waitsFor: "accounts", since: releaseOwedSince ?? Infinity },
  ] as const;
  const { waitsFor, since: oldest } = places.reduce((a, b) => (b.since < a.since ? b : a));
  if (now - oldest <= limits.pendingSeconds * 1_000 || oldest === Infinity)
    return {
      alert: "pending_too_old",
      firing: false,
      summary: "All payments are within the waiting limit again.",
      details: { waiting: counts.waiting },
    };
  return {
    alert: "pending_too_old",
    firing: true,
    since: oldest,
    summary: `A payment has waited for ${minutes(now - oldest)} ${WAITING[waitsFor]}`,
    details: { waiting: counts.waiting, waitsFor },
  };
}

const WAITING = {
  miner:
    "for its block. Nothing is lost. If MINING_MODE is approval, approve mining (POST /api/vdc/mine). If GET /api/vdc/status shows blocks in flight that do not move, the stage that it names holds up the miner: read that stage's log; otherwise read the miner's.",
  "pending-writer":
    "in the queue of pending-writer, which does not take it. Nothing is lost. Read the log of pending-writer to see what fails.",
  accounts:
    "while the submission that it pays for is not released from intents/. Nothing is lost. Read the log of accounts to see what fails.",
};

function openDeadLetters({ open, replaying, oldestOpenAt }: DeadLetterCounts): AlertCheck {
  const total = Object.values(open).reduce((sum, count) => sum + count, 0);
  if (total === 0 && replaying === 0)
    return {
      alert: "dead_letters",
      firing: false,
      summary: "All dead letters have been replayed or dismissed.",
      details: {},
    };
  if (total === 0)
    return {
      alert: "dead_letters",
      firing: true,
      summary: `${replaying} dead letter(s) are being replayed, so their work is not done yet. No other is open. Wait: the alert ends when their work is done.`,
      details: {},
    };
  return {
    alert: "dead_letters",
    firing: true,
    ...(oldestOpenAt !== null && { since: oldestOpenAt }),
    summary: `${total} dead letter(s) are open: their stages could not do the work, so it is parked. GET /api/dead-letters says why. Letters of retries_exhausted replay themselves when their stage works again; for the others, mend the cause, then replay or dismiss them.`,
    details: open,
  };
}

/** Until the running verification has ended, it is unknown whether the failure of the one before is over. */
function undecided({ failing, lastRun }: StorageSummary): boolean {
  return failing === 0 && lastRun?.state === "running";
}

function failedVerification(storage: StorageSummary): AlertCheck {
  const { failing, partial, withoutPrivateParts, lastRun } = storage;
  const problem = verificationProblem(storage);
  return {
    alert: "failed_verification",
    firing: problem !== undefined,
    summary: problem ?? "Every verified block is complete in every tier, with its private parts.",
    details: {
      failing,
      partial,
      withoutPrivateParts,
      ...(problem !== undefined && { lastRun: lastRun?.id ?? null }),
    },
  };
}

function verificationProblem({
  failing,
  partial,
  withoutPrivateParts,
  lastRun,
}: StorageSummary): string | undefined {
  const lost =
    withoutPrivateParts > 0
      ? [
          `R2 lacks private parts of ${withoutPrivateParts} block(s), and no tier has another copy. GET /api/storage-verify/runs names the blocks; restore the parts from an export: vdc storage bring-records.`,
        ]
      : [];
  if (failing > 0)
    return [
      `${failing} block(s) failed verification, and no tier has a copy that restores them. GET /api/storage-verify/runs names them; restore them from an export.`,
      ...lost,
    ].join(" ");
  if (partial > withoutPrivateParts)
    return [
      `${partial - withoutPrivateParts} block(s) are incomplete in a tier, or a tier could not be read. Another tier has them. POST /api/storage-verify/verify-all restores what it can, and says what prevents the rest.`,
      ...lost,
    ].join(" ");
  if (lost.length > 0) return lost.join(" ");
  return lastRun?.state === "failed"
    ? "The last storage verification did not finish, so damaged copies may be undetected. GET /api/storage-verify/runs says why; start it again (POST /api/storage-verify/verify-all)."
    : undefined;
}

function incompleteDocuments({ total, partial, failed }: DocumentTotals): AlertCheck {
  const firing = failed > 0 || partial > 0;
  return {
    alert: "incomplete_documents",
    firing,
    summary:
      failed > 0
        ? `${failed} document(s) cannot be read from R2 or IPFS, so no whole copy is known. GET /api/storage-verify/documents?status=failed names them; restore them from an export: vdc storage bring-documents.`
        : firing
          ? `${partial} document(s) are incomplete in R2 or on IPFS, or one of the two could not be read. Nothing is lost: the other has them. POST /api/storage-verify/verify-all restores what it can, and says what prevents the rest.`
          : "Every verified document is in R2 and on IPFS.",
    details: { total, failed, partial },
  };
}

/** Share of a Durable Object's capacity. At 1,000 transactions a day the rest lasts for years. */
const NEARLY_FULL = 0.7;

function objectNearlyFull(objects: ObjectBytes): AlertCheck {
  const full = Object.entries(objects).filter(([, bytes]) => bytes >= NEARLY_FULL * DURABLE_OBJECT_BYTES);
  if (full.length === 0)
    return {
      alert: "object_nearly_full",
      firing: false,
      summary: "Every Durable Object has room again.",
      details: {},
    };
  return {
    alert: "object_nearly_full",
    firing: true,
    summary: `${full.map(([name, bytes]) => `The Durable Object ${name} takes ${percent(bytes)} of its 10 GiB`).join(". ")}. When it is full, nothing more is admitted. Begin a new chain in time (docs/operations.md, "Ceilings").`,
    details: Object.fromEntries(full),
  };
}

function percent(bytes: number): string {
  return `${Math.floor((bytes / DURABLE_OBJECT_BYTES) * 100)} %`;
}

const UNREADABLE_FIRES_AFTER_MS = 300_000; // a deployment or a moved object takes less

function unreadable(readings: Readings): AlertCheck {
  const unread = Object.entries(readings).flatMap(([part, reading]) => (reading === undefined ? [part] : []));
  return {
    alert: "unreadable",
    firing: unread.length > 0,
    firesAfterMs: UNREADABLE_FIRES_AFTER_MS,
    summary:
      unread.length > 0
        ? `${unread.join(", ")} could not be read, so alerts about it may be missing. Read the log of the Worker alerts to see why.`
        : "Everything that the alerts check can be read again.",
    details: { parts: unread.join(",") },
  };
}

function minutes(milliseconds: number): string {
  return `${Math.floor(milliseconds / 60_000)} minutes`;
}
