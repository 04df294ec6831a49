import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly R2: R2Bucket;
}
