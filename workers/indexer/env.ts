import type { ChainHeadEnv } from "../../shared/chain-head.ts";
import type { StageEnv } from "../../shared/consume.ts";
import type { CleanBlock, IndexBlock } from "../../shared/messages.ts";

export interface Env extends StageEnv, ChainHeadEnv {
  readonly KV: KVNamespace;
  readonly PENDING_CLEANER_QUEUE: Queue<CleanBlock>;
  /** The indexer's own queue: a large block is indexed in several messages. */
  readonly INDEXER_QUEUE: Queue<IndexBlock>;
}
