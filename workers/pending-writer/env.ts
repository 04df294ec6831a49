import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import type { MineRequest } from "../../shared/messages.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly R2: R2Bucket;
  readonly MINER_QUEUE: Queue<MineRequest>;
}
