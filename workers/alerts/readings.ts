import { intakeBacklog, type Backlog } from "../../shared/queue/backlog.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { deadLetters, type DeadLetterCounts } from "../../shared/objects/dead-letters.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { monitor } from "../../shared/objects/monitor.ts";
import { readObjectBytes, type ObjectBytes } from "../../shared/durable-object/object-bytes.ts";
import { readParts } from "../../shared/runtime/read-all-settled.ts";
import type { DocumentTotals } from "../../shared/api/storage-report.ts";
import type { StorageSummary } from "../storage-verifier/runs/failing-blocks.ts";
import type { StatusFacts } from "../chain-head/reads/status.ts";
import type { Env } from "./env.ts";

/** The state that could be read this minute. `undefined` is unknown, and neither raises nor ends an alert. */
export interface Readings {
  readonly chain: StatusFacts | undefined;
  /** Backlog of the webhook's queue. */
  readonly intake: Backlog | undefined;
  readonly deadLetters: DeadLetterCounts | undefined;
  readonly storage: StorageSummary | undefined;
  readonly documents: DocumentTotals | undefined;
  readonly objects: ObjectBytes | undefined;
}

export function read(env: Env, log: Log): Promise<Readings> {
  return readParts(
    {
      chain: () => chainHead(env).status(),
      intake: () => intakeBacklog(env),
      deadLetters: () => deadLetters(env).counts(),
      storage: () => env.STORAGE_VERIFIER.summary(),
      documents: () => env.STORAGE_VERIFIER.documentTotals(),
      objects: () =>
        readObjectBytes({
          "chain-head": () => chainHead(env).databaseBytes(),
          "dead-letters": () => deadLetters(env).databaseBytes(),
          "storage-runs": () => env.STORAGE_VERIFIER.databaseBytes(),
          "document-index": () => env.STORAGE_VERIFIER.documentIndexBytes(),
          monitor: () => monitor(env).databaseBytes(),
        }),
    },
    log,
  );
}
