/** The closed list of steps, in the order in which they run. A report names each of its steps once. */
export const STEPS = [
  "proof",
  "genesis",
  "key_chain",
  "transaction",
  "document",
  "user_signature",
  "merkle_path",
  "block_signature",
  "revocations",
  "log_keys",
  "blocks_checkpoint",
  "block_in_log",
  "later_head",
  "known_head",
  "transactions_checkpoint",
  "transaction_in_log",
  "witnesses",
  "timestamps",
  "cid",
] as const;
export type StepName = (typeof STEPS)[number];

/** not_checked: the policy does not ask for it · could_not_check: the policy asks for it, and the proof lacks what it needs */
export type StepState = "passed" | "failed" | "not_checked" | "could_not_check";

/** The origin of a step's result: this computation, the operator's word, or the verifier's own. */
export type Source = "recomputed here" | "read from the operator" | "named by you";

export interface Step {
  readonly name: StepName;
  readonly state: StepState;
  readonly source: Source;
  readonly detail: string;
}

/** Why a proof is refused. */
export interface Because {
  readonly step: StepName;
  /** A fault of `FAULTS`, `BLOCK_FAULTS`, `LOG_FAULTS` or `TIMESTAMP_FAULTS`. */
  readonly fault: string;
  readonly detail: string;
}

export type Verdict = "verified" | "failed" | "incomplete";

export interface Report {
  readonly verdict: Verdict;
  readonly steps: readonly Step[];
  /** Sentences for people: what the steps that passed prove. */
  readonly proved: readonly string[];
  /** Sentences for people: what nobody may conclude from this report. */
  readonly notProved: readonly string[];
  /** The first failed step; absent unless the verdict is "failed". */
  readonly because?: Because;
}

/** The faults that only the verifier of a proof finds. */
export const FAULTS = [
  "malformed_proof", // the bytes are not of the proof's shape
  "other_chain", // parts of the proof are of different chains
  "wrong_genesis", // block 0 is not the named one
  "wrong_order", // the key statements are not in the chain's order
  "not_canonical", // the transaction's bytes are not canonical JSON of its shape
  "not_in_block", // the Merkle path does not lead to the header
  "not_in_history", // the later head does not cover the block
  "wrong_head", // the chain has another block where a block was named
  "other_record", // the two logs hold different records
  "other_document", // the transaction commits to another document
  "revoked_key", // a key signed the block that a later block revokes
] as const;
export type Fault = (typeof FAULTS)[number];

/** A step that failed. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly fault: Fault;
  constructor(fault: Fault, detail: string) {
    super(detail);
    this.fault = fault;
  }
}
