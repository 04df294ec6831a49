import { audit } from "../../../shared/objects/audit-log.ts";
import { intakeBacklog } from "../../../shared/queue/backlog.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { deadLetters } from "../../../shared/objects/dead-letters.ts";
import { monitor } from "../../../shared/objects/monitor.ts";
import { readObjectBytes } from "../../../shared/durable-object/object-bytes.ts";
import { readParts } from "../../../shared/runtime/read-all-settled.ts";
import { exposition, EXPOSITION_CONTENT_TYPE } from "../../../shared/http/prometheus.ts";
import { metricsOf } from "./all.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/metrics.ts";

export const metrics = operation(api.metrics, async ({ env, log }) => {
  const parts = await readParts(
    {
      chain: () => chainHead(env).status(),
      measures: () => chainHead(env).measures(),
      queues: () => chainHead(env).backlogs(),
      intake: () => intakeBacklog(env),
      verifier_queue: () => env.STORAGE_VERIFIER.backlog(),
      counters: () => monitor(env).counters(),
      alerts: () => monitor(env).alertStates(),
      dead_letters: () => deadLetters(env).counts(),
      storage: () => env.STORAGE_VERIFIER.summary(),
      documents: () => env.STORAGE_VERIFIER.documentTotals(),
      objects: () =>
        readObjectBytes({
          "chain-head": () => chainHead(env).databaseBytes(),
          "dead-letters": () => deadLetters(env).databaseBytes(),
          "storage-runs": () => env.STORAGE_VERIFIER.databaseBytes(),
          "document-index": () => env.STORAGE_VERIFIER.documentIndexBytes(),
          "audit-log": () => audit(env).databaseBytes(),
          monitor: () => monitor(env).databaseBytes(),
        }),
    },
    log,
  );
  return new Response(exposition(metricsOf(parts, Date.now())), {
    headers: { "content-type": EXPOSITION_CONTENT_TYPE, "cache-control": "no-store" },
  });
});
