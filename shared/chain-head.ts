import { RetryLater } from "./errors.ts";
import type { ChainHead } from "../workers/chain-head/index.ts";

export interface ChainHeadEnv {
  readonly CHAIN_HEAD: DurableObjectNamespace<ChainHead>;
  readonly CHAIN_ID: string;
}

/** A new stub each time: one that saw the object fail answers every later call with the same failure. */
export function chainHead(env: ChainHeadEnv): DurableObjectStub<ChainHead> {
  return env.CHAIN_HEAD.getByName(env.CHAIN_ID);
}

const HALTED_SECONDS = 300; // the chain head tells the stages again when an operator resumes

/** @throws RetryLater while the chain is halted: nothing is stored, indexed or cleared until an operator has looked */
export function refuseWhileHalted({ halted, blockNumber }: { halted: boolean; blockNumber: number }): void {
  if (halted) throw new RetryLater(HALTED_SECONDS, `the chain is halted: block ${blockNumber} waits`);
}
