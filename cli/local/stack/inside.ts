import type { Miniflare } from "miniflare";
import * as v from "valibot";
import { Backlog, BACKLOG_PATH } from "../../../shared/queue/backlog.ts";
import { workerName, type WorkerName } from "../../../shared/pipeline.ts";

// The calls of the runner inside the running platform, over HTTP like any request. Miniflare's own bindings would block
// this process while they wait for workerd. This process could then not read workerd's logs, and under load workerd would
// wait for it for ever.

const REQUEUER = "vdc-local-requeuer";

/** A Worker of the local stack alone, which makes a call to the chain head that has no HTTP route. */
export function requeuer(chainId: string) {
  return {
    name: REQUEUER,
    compatibilityDate: "2026-11-01",
    modules: true,
    script: `export default {
      async fetch(_, env) {
        await env.CHAIN_HEAD.getByName(env.CHAIN_ID).requeueAll();
        return new Response("requeued");
      },
    };`,
    bindings: { CHAIN_ID: chainId },
    durableObjects: { CHAIN_HEAD: { className: "ChainHead", scriptName: workerName("chain-head") } },
  } as const;
}

/** Sends the stages their work again: local queues live in memory, so their messages are lost when a stack ends. */
export async function requeueStages(miniflare: Miniflare): Promise<void> {
  await ask(miniflare, REQUEUER, "/");
}

export async function fireCron(miniflare: Miniflare, worker: WorkerName, cron: string): Promise<void> {
  const query = new URLSearchParams({ cron });
  await ask(miniflare, workerName(worker), `/cdn-cgi/local/scheduled?${query.toString()}`);
}

/** Number of payments in the webhook's queue. */
export async function waitingPayments(miniflare: Miniflare): Promise<number> {
  return v.parse(Backlog, JSON.parse(await ask(miniflare, workerName("ingest-webhook"), BACKLOG_PATH)))
    .messages;
}

async function ask(miniflare: Miniflare, worker: string, path: string): Promise<string> {
  const response = await miniflare.dispatchFetch(`http://localhost${path}`, {
    headers: { "MF-Route-Override": worker },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${worker} answered ${response.status}: ${text}`);
  return text;
}
