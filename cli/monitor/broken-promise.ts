import { CommandFailure, EXIT } from "../output/failure.ts";

/** The closed list of promises that a deployment can break before a stranger's eyes. */
export type BrokenFault =
  | "fork" // two signed checkpoints of one size, or one that does not begin with the other
  | "rollback" // a signed checkpoint that is smaller than a remembered one
  | "other_blocks" // the checkpoint is not over the blocks or transactions that the deployment serves
  | "invalid_chain" // a block does not verify, or the chain does not go on from the remembered one
  | "invalid_log" // a note, tile or endorsement does not verify
  | "changed_key" // other keys of the log, without an endorsement that may replace the remembered ones
  | "stall"; // published blocks have been without a checkpoint for too long

/** A deployment that broke a promise, with all that shows it. */
export class BrokenPromise extends CommandFailure {
  readonly fault: BrokenFault;
  readonly evidence: Readonly<Record<string, unknown>>;

  constructor(fault: BrokenFault, detail: string, evidence: Readonly<Record<string, unknown>> = {}) {
    super(`${fault}: ${detail}`, EXIT.unverified);
    this.fault = fault;
    this.evidence = evidence;
  }
}
