import { chainHead } from "../../../shared/objects/chain-head.ts";
import { intakeBacklog } from "../../../shared/queue/backlog.ts";
import { json } from "../../../shared/http/answer.ts";
import { monitor } from "../../../shared/objects/monitor.ts";
import { readParts } from "../../../shared/runtime/read-all-settled.ts";
import type { AlertName, AlertState } from "../../../shared/objects/alerts.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/status.ts";

export const status = operation(api.status, async ({ env, log }) => {
  const head = chainHead(env);
  const [facts, { latest }, failures, { intake, stages, verifier, reports }] = await Promise.all([
    head.status(),
    head.head(),
    head.failures(api.FAILURES_SHOWN),
    readParts(
      {
        intake: () => intakeBacklog(env),
        stages: () => head.backlogs(),
        verifier: () => env.STORAGE_VERIFIER.backlog(),
        reports: () => monitor(env).status(),
      },
      log,
    ),
  ]);
  const now = Date.now();
  const seconds = (since: number | null) =>
    since === null ? null : Math.max(0, Math.floor((now - since) / 1_000));
  return json({
    latest: latest?.blockNumber ?? null,
    halted: facts.halted,
    counts: facts.counts,
    ignored: facts.ignored,
    oldestWaitingSeconds: seconds(facts.oldestWaitingAt),
    inFlight: facts.unfinished.map(({ blockNumber, state, stage, transactionCount, times }) => ({
      blockNumber,
      state,
      stage,
      transactions: transactionCount,
      ageSeconds: seconds(times.reserved),
    })),
    queues: {
      ...(intake && { "pending-writer": intake }),
      ...stages,
      ...(verifier && { "storage-verifier": verifier }),
    },
    retries: reports ? [...reports.failedStages] : null,
    alerts: reports ? firing(reports.alerts) : null,
    failures: [...failures],
  } satisfies api.PipelineStatus);
});

function firing(alerts: readonly (AlertState & { readonly alert: AlertName })[]) {
  return alerts.flatMap(({ alert, firing, since, summary }) => (firing ? [{ alert, since, summary }] : []));
}
