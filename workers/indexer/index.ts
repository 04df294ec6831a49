import { consume } from "../../shared/queue/consume.ts";
import { IndexBlock } from "../../shared/queue/messages.ts";
import type { Env } from "./env.ts";
import { indexBlock } from "./index-block.ts";

export default {
  queue: consume("indexer", IndexBlock, indexBlock),
} satisfies ExportedHandler<Env>;
