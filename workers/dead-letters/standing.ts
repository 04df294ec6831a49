import {
  BLOCK_STATES,
  reached,
  STAGE_AFTER,
  type BlockState,
  type TransactionState,
} from "../../shared/chain/states.ts";
import { chainHead, type ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageName } from "../../shared/pipeline.ts";
import { chunks } from "../../shared/storage/limits.ts";

/** What a dead letter is about. */
interface Subject {
  readonly stage: StageName;
  readonly tx_id: string | null;
  readonly block_number: number | null;
}

/** Where the chain head says that the subjects are. What is not in it is unknown there. */
export interface Known {
  readonly transactions: ReadonlyMap<
    string,
    { state: TransactionState; blockNumber: number | null; refused?: boolean }
  >;
  readonly blocks: ReadonlyMap<number, BlockState>;
}

/** `done`: the stage's work is done, for good. `under_way`: to do it again would change nothing. */
export type Standing = { readonly is: "done" | "under_way"; readonly detail: string };

/** What is said of a user's submission that breaks a rule of the chain: its submitter was told. */
export const REFUSED = "refused: it breaks a rule of the chain, and its submitter was told so";

/** A transaction that no block could take: it is with the chain head, and not in a queue's message. */
export function isSetAside({ stage, tx_id }: Subject): boolean {
  return stage === "miner" && tx_id !== null;
}

/** Whether the chain head or a stage can report that the work was done. */
export function isTraceable({ tx_id, block_number }: Subject): boolean {
  return tx_id !== null || block_number !== null;
}

/** Why a replay is not needed; `undefined` when it is, or when nobody can tell. */
export function standingOf(subject: Subject, known: Known): Standing | undefined {
  return subject.tx_id === null ? ofBlock(subject, known) : ofTransaction(subject, subject.tx_id, known);
}

function ofTransaction(subject: Subject, txId: string, { transactions }: Known): Standing | undefined {
  const tx = transactions.get(txId);
  if (tx === undefined) return undefined;
  if (tx.state === "set_aside") return tx.refused === true ? { is: "done", detail: REFUSED } : undefined;
  if (tx.state === "mined") return { is: "done", detail: `already mined in block ${tx.blockNumber}` };
  // It is in `pending/` and the chain head has it: pending-writer has no more to do, and the miner will come to it.
  return { is: isSetAside(subject) ? "under_way" : "done", detail: "already waits for a block" };
}

function ofBlock({ stage, block_number: number }: Subject, { blocks }: Known): Standing | undefined {
  const goal = stateAfter(stage);
  const state = number === null ? undefined : blocks.get(number);
  if (goal === undefined || state === undefined || !reached(state, goal)) return undefined;
  return { is: "done", detail: `block ${number} is already ${state}` };
}

/** The state to which the stage moves a block; `undefined` for one that moves none. */
function stateAfter(stage: StageName): BlockState | undefined {
  const before = BLOCK_STATES.findIndex((state) => STAGE_AFTER[state] === stage);
  return before === -1 ? undefined : BLOCK_STATES[before + 1];
}

const ASK_AT_ONCE = 500;

/** Asks the chain head about all of them, with few calls. */
export async function ask(subjects: readonly Subject[], env: ChainHeadEnv): Promise<Known> {
  const transactions = new Map<
    string,
    { state: TransactionState; blockNumber: number | null; refused: boolean }
  >();
  const blocks = new Map<number, BlockState>();
  for (const some of chunks(subjects, ASK_AT_ONCE)) {
    const txIds = [...new Set(some.flatMap(({ tx_id }) => tx_id ?? []))];
    const numbers = [
      ...new Set(some.flatMap(({ block_number: n }) => (Number.isSafeInteger(n) ? (n ?? []) : []))),
    ];
    const answer = await chainHead(env).standings(txIds, numbers);
    for (const [i, tx] of answer.transactions.entries())
      if (tx !== null) transactions.set(txIds[i] ?? "", tx);
    for (const [i, state] of answer.blocks.entries()) if (state !== null) blocks.set(numbers[i] ?? -1, state);
  }
  return { transactions, blocks };
}
