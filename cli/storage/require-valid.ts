import { CommandFailure, EXIT, type ExitCode } from "../output/failure.ts";
import { counted } from "../output/words.ts";
import {
  isFork,
  type BlockReport,
  type DocumentReport,
  type StorageRun,
  type StorageStatus,
  type VerifyAllResult,
} from "../../shared/api/storage-report.ts";

/** Fails the command when a block's copies are not all valid. */
export function requireValidBlock(report: BlockReport): void {
  if (isFork(report)) throw forkFailure([report]);
  if (isSound(report)) {
    if (report.untrusted !== null)
      throw new CommandFailure(`block ${report.blockNumber}: ${report.message}`, EXIT.untrusted);
    return;
  }
  throw new CommandFailure(
    `block ${report.blockNumber} is ${report.status}: ${report.message}`,
    codeOf([report]),
  );
}

/** Like `requireValidBlock`, for a document. */
export function requireValidDocument(report: DocumentReport): void {
  if (isSound(report)) return;
  throw new CommandFailure(
    `document ${report.documentId} is ${report.status}: ${report.message}`,
    codeOf([report]),
  );
}

type VerificationCounts = Pick<
  VerifyAllResult,
  "partial" | "failed" | "untrusted" | "results" | "log" | "documents"
>;

/** `results`: the blocks and documents with another status than ok, or the first of them. */
export function requireAllValid({
  partial,
  failed,
  untrusted,
  results,
  log,
  documents,
}: VerificationCounts): void {
  const forks = results.filter(isFork);
  if (forks.length > 0) throw forkFailure(forks);
  const unsound = partial + failed + documents.partial + documents.failed;
  if (unsound === 0 && log.failed > 0)
    throw new CommandFailure(
      `${counted(log.failed, "object")} of the transparency logs could not be verified or restored: read the log of storage-verifier, which names them (docs/operations.md, "Verify and restore storage")`,
      EXIT.unverified,
    );
  if (unsound === 0) {
    if (untrusted > 0)
      throw new CommandFailure(
        `every copy is sound, but a revoked key signed ${counted(untrusted, "block")} when it was not to be trusted: compare their hashes with those that you noted before (docs/operations.md, "A signing key was stolen")`,
        EXIT.untrusted,
      );
    return;
  }
  const shown = [...results, ...documents.results].filter((report) => !isSound(report));
  const code = shown.length < unsound ? EXIT.unverified : codeOf(shown);
  const kinds = [
    { noun: "block", partial, failed },
    { noun: "document", ...documents },
  ].filter((kind) => kind.partial + kind.failed > 0);
  throw new CommandFailure(
    code === EXIT.unknown
      ? `${kinds.map((kind) => counted(kind.partial + kind.failed, kind.noun)).join(" and ")} could not be checked everywhere, for a tier can't be reached: verify again when it can`
      : `${kinds.map((kind) => `${counted(kind.failed, kind.noun)} can't be read from any tier, ${counted(kind.partial, kind.noun)} not from all`).join("; ")}: the messages above say what to do`,
    code,
  );
}

/** Fails the command according to which copies are listed, and to the latest verifications. */
export function requireCompleteCopies({ summary, verification, documents }: StorageStatus): void {
  const blocks = Math.max(summary.incomplete, verification.failing + verification.partial);
  const unsound = [
    ...(blocks > 0 ? [counted(blocks, "block")] : []),
    ...(documents && documents.failed + documents.partial > 0
      ? [counted(documents.failed + documents.partial, "document")]
      : []),
  ];
  if (unsound.length === 0) return;
  throw new CommandFailure(
    `${unsound.join(" and ")} incomplete in some tier: run \`vdc storage verify-all\`, which restores what it can and says what it can't`,
    EXIT.unverified,
  );
}

/** Fails the command when a run failed or found invalid copies. Accepts a run that is still running. */
export function requireValidRun(run: StorageRun): void {
  if (run.state === "running") return;
  if (run.state !== "done")
    throw new CommandFailure(
      `run ${run.id} was ${run.state} before block ${run.next}: ${run.message ?? "no reason is known"}. \`vdc storage resume ${run.id}\` lets it go on`,
    );
  requireAllValid(run);
}

/**
 * Reports forks, also of blocks whose copies are valid again: a repair halts the chain, and it is not known who made the
 * second block.
 */
function forkFailure(forks: readonly BlockReport[]): CommandFailure {
  const numbers = forks.map(({ blockNumber }) => blockNumber).join(", ");
  const isHalted = forks.some(({ rehydrated }) => Object.values(rehydrated).includes("forked"));
  return new CommandFailure(
    `${counted(forks.length, "block")} forked (${numbers}): a tier held a second block of that number, signed by a key of the chain. ${
      isHalted
        ? "It is kept under evidence/ in R2, and the chain is halted: find out who made it, then `vdc resume --reason …`"
        : "With repair it is kept as evidence and the chain is halted; `vdc status` says whether it is"
    }`,
    EXIT.unverified,
  );
}

function isSound({ status }: Pick<BlockReport, "status">): boolean {
  return status === "ok" || status === "rehydrated";
}

/** An unreachable copy may be valid: its state is unknown, which is not the same as invalid. */
function codeOf(reports: readonly (BlockReport | DocumentReport)[]): ExitCode {
  const faults = reports.flatMap((report) =>
    [...("kv" in report ? [report.kv] : []), report.r2, report.ipfs].flatMap(({ fault }) => fault ?? []),
  );
  return faults.length > 0 && faults.every((fault) => fault === "unreachable")
    ? EXIT.unknown
    : EXIT.unverified;
}
