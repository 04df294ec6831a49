import { RetryLater } from "../runtime/errors.ts";
import type { ChainHead } from "../../workers/chain-head/index.ts";
import type { MoveResult } from "../../workers/chain-head/decisions/progress.ts";

export interface ChainHeadEnv {
  readonly CHAIN_HEAD: DurableObjectNamespace<ChainHead>;
  readonly CHAIN_ID: string;
}

/** Gets a new stub for each call: a stub that saw the object fail answers every later call with the same failure. */
export function chainHead(env: ChainHeadEnv): DurableObjectStub<ChainHead> {
  return env.CHAIN_HEAD.getByName(env.CHAIN_ID);
}

/**
 * Makes the stage start again when its report belongs to an earlier life of the chain head: such a report changed
 * nothing.
 * @throws Error for the answer "stale"
 */
export function refuseStale(answer: MoveResult, blockNumber: number): void {
  if (answer === "stale")
    throw new Error(
      `block ${blockNumber}: the chain head lost its storage meanwhile, so this stage begins again`,
    );
}

const HALTED_SECONDS = 300; // the chain head sends the stages their work again when an operator resumes

/** @throws RetryLater while the chain is halted: no block is stored, indexed or cleaned until an operator has looked */
export function refuseWhileHalted({ halted, blockNumber }: { halted: boolean; blockNumber: number }): void {
  if (halted) throw new RetryLater(HALTED_SECONDS, `the chain is halted: block ${blockNumber} waits`);
}
