import type { Miniflare } from "miniflare";
import * as v from "valibot";
import { Backlog, BACKLOG_PATH } from "../../shared/backlog.ts";
import { workerName, type WorkerName } from "../../shared/pipeline.ts";

// What the runner does inside the running platform, over HTTP as any request. Miniflare's own bindings would block this
// process while they wait for workerd; nobody would read what workerd logs meanwhile, and under load workerd then waits
// for us, for ever.

const TELLER = "vdc-local-teller";

/** A Worker of the local stack alone: tells the chain head what no Worker tells it over HTTP. */
export function teller(chainId: string) {
  return {
    name: TELLER,
    compatibilityDate: "2026-11-01",
    modules: true,
    script: `export default {
      async fetch(_, env) {
        await env.CHAIN_HEAD.getByName(env.CHAIN_ID).tellAgain();
        return new Response("told");
      },
    };`,
    bindings: { CHAIN_ID: chainId },
    durableObjects: { CHAIN_HEAD: { className: "ChainHead", scriptName: workerName("chain-head") } },
  } as const;
}

/** Local queues live in memory, so whatever was under way when the last stack ended has to be told anew. */
export async function tellStagesAgain(miniflare: Miniflare): Promise<void> {
  await ask(miniflare, TELLER, "/");
}

export async function fireCron(miniflare: Miniflare, worker: WorkerName, cron: string): Promise<void> {
  const query = new URLSearchParams({ cron });
  await ask(miniflare, workerName(worker), `/cdn-cgi/local/scheduled?${query.toString()}`);
}

/** How many payments the webhook has taken that are in the queue still. */
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
