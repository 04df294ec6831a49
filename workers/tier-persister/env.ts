import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";
import type { IndexBlock } from "../../shared/queue/messages.ts";
import type { TiersEnv } from "../../shared/storage/tiers.ts";

export interface Env extends StageEnv, ChainHeadEnv, TiersEnv {
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
}
