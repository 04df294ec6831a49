import { haltedText } from "../../shared/api/halted-text.ts";
import { DURABLE_OBJECT_BYTES, type ObjectBytes } from "../../shared/durable-object/object-bytes.ts";
import type { StatusFacts } from "../chain-head/reads/status.ts";
import type { Finding } from "../monitor/alert-state.ts";
import type { DeadLetterCounts } from "../../shared/objects/dead-letters.ts";
import type { DocumentTotals } from "../../shared/storage/report.ts";
import type { StorageSummary } from "../storage-verifier/runs/failing-blocks.ts";
import type { Limits } from "./env.ts";
import type { Readings } from "./readings.ts";

/**
 * Decides for each alert whether it fires. A halted chain does no work on purpose, so a stall or a long wait then says nothing
 * new.
 * @param now milliseconds since the epoch
 */
export function findings(readings: Readings, limits: Limits, now: number): Finding[] {
  const { chain, intake, deadLetters, storage, documents, objects } = readings;
  const works = chain !== undefined && chain.halted === null;
  return [
    ...(chain ? [halted(chain)] : []),
    ...(works ? [stalled(chain, limits, now)] : []),
    ...(works && intake ? [pendingTooOld(chain, intake.oldestAt, limits, now)] : []),
    ...(deadLetters ? [openDeadLetters(deadLetters)] : []),
    ...(storage && !undecided(storage) ? [failedVerification(storage)] : []),
    ...(documents ? [incompleteDocuments(documents)] : []),
    ...(objects ? [objectNearlyFull(objects)] : []),
    unreadable(readings),
  ];
}

function halted({ halted: halt }: StatusFacts): Finding {
  if (halt === null)
    return {
      alert: "halted",
      firing: false,
      summary: "The chain goes on: an operator has resumed or restored it.",
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

function stalled({ unfinished, miningOwedSince }: StatusFacts, limits: Limits, now: number): Finding {
  const latest = now - limits.stalledSeconds * 1_000;
  const still = unfinished
    .map((block) => ({ ...block, movedAt: lastMove(block.times) }))
    .filter(({ movedAt }) => movedAt < latest);
  const [first] = still.toSorted((a, b) => a.movedAt - b.movedAt);
  if (first !== undefined)
    return {
      alert: "stalled",
      firing: true,
      since: first.movedAt,
      summary: `Block ${first.blockNumber} has been ${first.state} for ${minutes(now - first.movedAt)}: ${first.stage} does not get done. Nothing is lost and it is tried again and again; its Worker's log says what fails.`,
      details: {
        blockNumber: first.blockNumber,
        state: first.state,
        stage: first.stage ?? null,
        blocks: still.length,
      },
    };
  if (miningOwedSince !== null && miningOwedSince < latest)
    return {
      alert: "stalled",
      firing: true,
      since: miningOwedSince,
      summary: `Payments should have been in a block ${minutes(now - miningOwedSince)} ago, but the miner makes none. Nothing is lost; the miner's log says what fails.`,
      details: { blockNumber: null, state: null, stage: "miner", blocks: 0 },
    };
  return {
    alert: "stalled",
    firing: false,
    summary: "Every block in flight moves again, and no payment is overdue.",
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
): Finding {
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
      summary: "No payment waits for longer than the limit any more.",
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
    "for its block. Approve mining (POST /api/vdc/mine) if MINING_MODE is approval; else the miner's log says what keeps it.",
  "pending-writer":
    "in the queue of pending-writer, which does not take it. Nothing is lost; the log of pending-writer says what fails.",
  accounts:
    "while the submission that it pays for is not released from intents/. Nothing is lost; the log of accounts says what fails.",
};

function openDeadLetters({ open, replaying, oldestOpenAt }: DeadLetterCounts): Finding {
  const total = Object.values(open).reduce((sum, count) => sum + count, 0);
  if (total === 0 && replaying === 0)
    return {
      alert: "dead_letters",
      firing: false,
      summary: "No dead letter is open any more.",
      details: {},
    };
  if (total === 0)
    return {
      alert: "dead_letters",
      firing: true,
      summary: `${replaying} dead letter(s) are being replayed, and no other is open. The alert ends when their work is done.`,
      details: {},
    };
  return {
    alert: "dead_letters",
    firing: true,
    ...(oldestOpenAt !== null && { since: oldestOpenAt }),
    summary: `${total} dead letter(s) are open: work that no stage could do is parked. GET /api/dead-letters says why. Letters of retries_exhausted replay themselves when their stage works again; for the others mend the cause, then replay or dismiss them.`,
    details: open,
  };
}

/** Until the running verification has ended, it is unknown whether the failure of the one before is over. */
function undecided({ failing, lastRun }: StorageSummary): boolean {
  return failing === 0 && lastRun?.state === "running";
}

function failedVerification(storage: StorageSummary): Finding {
  const { failing, partial, withoutPrivateParts, lastRun } = storage;
  const problem = verificationProblem(storage);
  return {
    alert: "failed_verification",
    firing: problem !== undefined,
    summary: problem ?? "Every block that was verified is whole in every tier, with its private parts.",
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
          `R2 lacks private parts of ${withoutPrivateParts} block(s), and no tier has another copy. GET /api/storage-verify/runs names the blocks; bring the parts from an export: vdc storage bring-records.`,
        ]
      : [];
  if (failing > 0)
    return [
      `${failing} block(s) could not be verified, nor restored from any tier. GET /api/storage-verify/runs names them; restore them from an export.`,
      ...lost,
    ].join(" ");
  if (partial > withoutPrivateParts)
    return [
      `${partial - withoutPrivateParts} block(s) are not whole in every tier, or a tier could not be read. Another tier has them. POST /api/storage-verify/verify-all restores what can be, and says what keeps the rest.`,
      ...lost,
    ].join(" ");
  if (lost.length > 0) return lost.join(" ");
  return lastRun?.state === "failed"
    ? "The last storage verification did not come to its end, so copies may be damaged and nobody knows. GET /api/storage-verify/runs says why; start it again."
    : undefined;
}

function incompleteDocuments({ total, partial, failed }: DocumentTotals): Finding {
  const firing = failed > 0 || partial > 0;
  return {
    alert: "incomplete_documents",
    firing,
    summary:
      failed > 0
        ? `${failed} document(s) can be read neither from R2 nor from IPFS. GET /api/storage-verify/documents?status=failed names them; bring them from an export: vdc storage bring-documents.`
        : firing
          ? `${partial} document(s) are not whole in R2 and on IPFS, or one of them could not be read. Nothing is lost: the other has them. POST /api/storage-verify/verify-all restores what can be, and says what keeps the rest.`
          : "Every document that was verified is in R2 and on IPFS.",
    details: { total, failed, partial },
  };
}

/** Share of a Durable Object's capacity. At 1,000 transactions a day the rest lasts for years. */
const NEARLY_FULL = 0.7;

function objectNearlyFull(objects: ObjectBytes): Finding {
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
    summary: `${full.map(([name, bytes]) => `The Durable Object ${name} takes ${percent(bytes)} of its 10 GiB`).join(". ")}. When it is full, nothing more is admitted: begin a new chain in time (docs/operations.md, "Ceilings").`,
    details: Object.fromEntries(full),
  };
}

function percent(bytes: number): string {
  return `${Math.floor((bytes / DURABLE_OBJECT_BYTES) * 100)} %`;
}

const BLIND_FOR = 300_000; // milliseconds; a deployment or a moved object takes less

function unreadable(readings: Readings): Finding {
  const blind = Object.entries(readings).flatMap(([part, reading]) => (reading === undefined ? [part] : []));
  return {
    alert: "unreadable",
    firing: blind.length > 0,
    patience: BLIND_FOR,
    summary:
      blind.length > 0
        ? `${blind.join(", ")} could not be read, so alerts about it are missing. The log of the Worker alerts says why.`
        : "Everything that the alerts check can be read again.",
    details: { parts: blind.join(",") },
  };
}

function minutes(milliseconds: number): string {
  return `${Math.floor(milliseconds / 60_000)} minutes`;
}
