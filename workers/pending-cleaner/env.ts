import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly R2: R2Bucket;
}
