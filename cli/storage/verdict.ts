import { CommandFailure, EXIT, type ExitCode } from "../failure.ts";
import { counted } from "../output/words.ts";
import type { BlockReport, StorageRun, VerifyAllResult } from "../../shared/storage/report.ts";

/** Ends the command according to what was found; says nothing when all is sound. */
export function judgeBlock(report: BlockReport): void {
  if (isSound(report)) return;
  throw new CommandFailure(
    `block ${report.blockNumber} is ${report.status}: ${report.message}`,
    codeOf([report]),
  );
}

/** @param results those of the blocks that were not simply ok, or the first of them */
export function judgeAll({ partial, failed, results }: VerifyAllResult): void {
  if (partial + failed === 0) return;
  const shown = results.filter((report) => !isSound(report));
  const code = shown.length < partial + failed ? EXIT.unverified : codeOf(shown);
  throw new CommandFailure(
    code === EXIT.unknown
      ? `${counted(partial + failed, "block")} could not be checked everywhere, for a tier can't be reached: verify again when it can`
      : `${counted(failed, "block")} can't be read from any tier, ${counted(partial, "block")} not from all: the messages above say what to do`,
    code,
  );
}

/** Ends the command according to how a run ended; says nothing of one that still runs, or found all sound. */
export function judgeRun(run: StorageRun): void {
  if (run.state === "running") return;
  if (run.state !== "done")
    throw new CommandFailure(
      `run ${run.id} was ${run.state} before block ${run.next}: ${run.message ?? "no reason is known"}. \`vdc storage resume ${run.id}\` lets it go on`,
    );
  judgeAll(run);
}

function isSound({ status }: BlockReport): boolean {
  return status === "ok" || status === "rehydrated";
}

/** A copy that can't be reached may be sound: nothing is known, which is something else than a copy that is not. */
function codeOf(reports: readonly BlockReport[]): ExitCode {
  const faults = reports.flatMap(({ kv, r2, ipfs }) => [kv, r2, ipfs].flatMap(({ fault }) => fault ?? []));
  return faults.length > 0 && faults.every((fault) => fault === "unreachable")
    ? EXIT.unknown
    : EXIT.unverified;
}
