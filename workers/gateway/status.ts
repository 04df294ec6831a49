import * as v from "valibot";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { operation } from "./operation.ts";

const FAILURES_SHOWN = 20;

export const status = operation(
  {
    does: "The pipeline at a glance: what waits at each stage and for how long, what is in flight, what was set aside",
    who: "operator",
    answers: { 200: v.unknown() },
  },
  async ({ env }) => {
    const head = chainHead(env);
    const [facts, { latest }, failures, queues] = await Promise.all([
      head.status(),
      head.head(),
      head.failures(FAILURES_SHOWN),
      head.backlogs(),
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
      queues,
      failures,
    });
  },
);
