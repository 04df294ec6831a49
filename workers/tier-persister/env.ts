import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import type { IndexBlock } from "../../shared/messages.ts";
import type { TiersEnv } from "../../shared/storage/tiers.ts";

export interface Env extends StageEnv, ChainHeadEnv, TiersEnv {
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
}
