import { RetryLater } from "./errors.ts";
import type { ChainHead } from "../workers/chain-head/index.ts";
import type { Progress } from "../workers/chain-head/progress.ts";

export interface ChainHeadEnv {
  readonly CHAIN_HEAD: DurableObjectNamespace<ChainHead>;
  readonly CHAIN_ID: string;
}

/** A new stub each time: one that saw the object fail answers every later call with the same failure. */
export function chainHead(env: ChainHeadEnv): DurableObjectStub<ChainHead> {
  return env.CHAIN_HEAD.getByName(env.CHAIN_ID);
}

/**
 * A report that belongs to an earlier life changed nothing, so the stage begins again with what the chain head knows now.
 * @throws Error then
 */
export function refuseStale(answer: Progress, blockNumber: number): void {
  if (answer === "stale")
    throw new Error(
      `block ${blockNumber}: the chain head lost its storage meanwhile, so this stage begins again`,
    );
}

const HALTED_SECONDS = 300; // the chain head tells the stages again when an operator resumes

/** @throws RetryLater while the chain is halted: nothing is stored, indexed or cleared until an operator has looked */
export function refuseWhileHalted({ halted, blockNumber }: { halted: boolean; blockNumber: number }): void {
  if (halted) throw new RetryLater(HALTED_SECONDS, `the chain is halted: block ${blockNumber} waits`);
}
