import {
  BLOCK_STATES,
  reached,
  STAGE_AFTER,
  type BlockState,
  type TransactionState,
} from "../../../shared/chain/states.ts";
import { chainHead, type ChainHeadEnv } from "../../../shared/objects/chain-head.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import { chunks } from "../../../shared/storage/limits.ts";

/** The transaction or block that a dead letter concerns. */
interface Subject {
  readonly stage: StageName;
  readonly tx_id: string | null;
  readonly block_number: number | null;
}

/** The states of the subjects, as the chain head knows them. A subject that is missing here is unknown to it. */
export interface ChainStates {
  readonly transactions: ReadonlyMap<
    string,
    { state: TransactionState; blockNumber: number | null; refused?: boolean }
  >;
  readonly blocks: ReadonlyMap<number, BlockState>;
  /** Number of blocks that the logs' published checkpoint covers. */
  readonly checkpointed: number;
}

/** `done`: the stage's work is done, for good. `under_way`: doing it again would change nothing. */
export type WorkStatus = { readonly is: "done" | "under_way"; readonly detail: string };

/** Detail of a user's submission that breaks a rule of the chain. */
export const REFUSED = "refused: it breaks a rule of the chain, and its submitter was told so";

/** Decides whether the letter is a set-aside transaction: the chain head holds it, not a queue's message. */
export function isSetAside({ stage, tx_id }: Subject): boolean {
  return stage === "miner" && tx_id !== null;
}

/** Decides whether the chain head or a stage can report that the work was done. */
export function isTraceable({ tx_id, block_number }: Omit<Subject, "stage">): boolean {
  return tx_id !== null || block_number !== null;
}

/** Says why a replay is not needed; `undefined` when it is needed, or when the chain head can't tell. */
export function workStatusOf(subject: Subject, states: ChainStates): WorkStatus | undefined {
  return subject.tx_id === null ? ofBlock(subject, states) : ofTransaction(subject, subject.tx_id, states);
}

function ofTransaction(
  subject: Subject,
  txId: string,
  { transactions }: ChainStates,
): WorkStatus | undefined {
  const tx = transactions.get(txId);
  if (tx === undefined) return undefined;
  if (tx.state === "set_aside") return tx.refused === true ? { is: "done", detail: REFUSED } : undefined;
  if (tx.state === "mined") return { is: "done", detail: `already mined in block ${tx.blockNumber}` };
  // The chain head has the transaction and it is in `pending/`: pending-writer is done, and the miner will take it.
  return { is: isSetAside(subject) ? "under_way" : "done", detail: "already waits for a block" };
}

function ofBlock(
  { stage, block_number: number }: Subject,
  { blocks, checkpointed }: ChainStates,
): WorkStatus | undefined {
  if (stage === "checkpointer")
    return number !== null && number < checkpointed
      ? { is: "done", detail: `a checkpoint covers block ${number} already` }
      : undefined;
  const goal = stateAfter(stage);
  const state = number === null ? undefined : blocks.get(number);
  if (goal === undefined || state === undefined || !reached(state, goal)) return undefined;
  return { is: "done", detail: `block ${number} is already ${state}` };
}

/** Returns the state to which the stage moves a block; `undefined` for a stage that moves none. */
function stateAfter(stage: StageName): BlockState | undefined {
  const before = BLOCK_STATES.findIndex((state) => STAGE_AFTER[state] === stage);
  return before === -1 ? undefined : BLOCK_STATES[before + 1];
}

const ASK_AT_ONCE = 500;

/** Asks the chain head about all subjects in few calls. */
export async function askChainHead(subjects: readonly Subject[], env: ChainHeadEnv): Promise<ChainStates> {
  const transactions = new Map<
    string,
    { state: TransactionState; blockNumber: number | null; refused: boolean }
  >();
  const blocks = new Map<number, BlockState>();
  let checkpointed = 0;
  for (const some of chunks(subjects, ASK_AT_ONCE)) {
    const txIds = [...new Set(some.flatMap(({ tx_id }) => tx_id ?? []))];
    const numbers = [
      ...new Set(some.flatMap(({ block_number: n }) => (Number.isSafeInteger(n) ? (n ?? []) : []))),
    ];
    const answer = await chainHead(env).knownStates(txIds, numbers);
    checkpointed = answer.checkpointed;
    for (const [i, tx] of answer.transactions.entries())
      if (tx !== null) transactions.set(txIds[i] ?? "", tx);
    for (const [i, state] of answer.blocks.entries()) if (state !== null) blocks.set(numbers[i] ?? -1, state);
  }
  return { transactions, blocks, checkpointed };
}
