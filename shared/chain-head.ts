import type { ChainHead } from "../workers/chain-head/index.ts";

export interface ChainHeadEnv {
  readonly CHAIN_HEAD: DurableObjectNamespace<ChainHead>;
  readonly CHAIN_ID: string;
}

/** A new stub each time: one that saw the object fail answers every later call with the same failure. */
export function chainHead(env: ChainHeadEnv): DurableObjectStub<ChainHead> {
  return env.CHAIN_HEAD.getByName(env.CHAIN_ID);
}
