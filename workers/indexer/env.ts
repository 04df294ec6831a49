import type { ChainHeadEnv } from "../../shared/objects/chain-head.ts";
import type { StageEnv } from "../../shared/queue/consume.ts";
import type { CleanBlock, IndexBlock } from "../../shared/queue/messages.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly KV: KVNamespace;
  readonly PENDING_CLEANER_QUEUE: Queue<CleanBlock>;
  /** The indexer's own queue: a large block is indexed in several messages. */
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
}
