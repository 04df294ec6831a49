import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { errorText } from "../../shared/log.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import type { Call } from "./router.ts";

/** The process answers; says nothing of what it depends on. */
export async function health(): Promise<Response> {
  return json({ status: "ok" });
}

interface Check {
  readonly ok: boolean;
  /** What to do, when it is not. Never an exception's message: those go to the log. */
  readonly detail?: string;
}

/** Whether work gets done: every binding answers, nothing is halted, nothing unfinished is too old. */
export async function ready(call: Call): Promise<Response> {
  const { env } = call;
  const [kv, r2, ingest, chain] = await Promise.all([
    check(call, "kv", () => env.KV.get(kvKeys.latest)),
    check(call, "r2", () => env.R2.head(r2Keys.block(0))),
    checkIngest(call),
    checkChain(call),
  ]);
  const checks = { kv, r2, ingest, chain: chain.check };
  const isReady = Object.values(checks).every(({ ok }) => ok);
  return json(
    { ready: isReady, checks, oldestUnfinishedSeconds: chain.oldestSeconds },
    { status: isReady ? 200 : 503, headers: isReady ? {} : { "retry-after": "10" } },
  );
}

async function check({ log }: Call, binding: string, probe: () => Promise<unknown>): Promise<Check> {
  try {
    await probe();
    return { ok: true };
  } catch (error) {
    log.error("ready.failed", { binding, error: errorText(error) });
    return { ok: false, detail: `${binding} does not answer; its error is in the log of this request` };
  }
}

async function checkIngest({ env, log }: Call): Promise<Check> {
  try {
    const response = await env.INGEST_WEBHOOK.fetch("https://ingest-webhook/");
    if (response.ok) return { ok: true };
    const problem: { detail?: string } = await response.json();
    return { ok: false, detail: problem.detail ?? `ingest-webhook answered ${response.status}` };
  } catch (error) {
    log.error("ready.failed", { binding: "ingest-webhook", error: errorText(error) });
    return { ok: false, detail: "ingest-webhook does not answer; its error is in the log of this request" };
  }
}

async function checkChain({ env, log }: Call): Promise<{ check: Check; oldestSeconds: number | null }> {
  try {
    const { halted, unfinished } = await chainHead(env).status();
    const oldest = unfinished.map(({ times }) => times.reserved).toSorted((a, b) => a - b)[0];
    const oldestSeconds = oldest === undefined ? null : Math.floor((Date.now() - oldest) / 1_000);
    if (halted)
      return { check: { ok: false, detail: `the chain is halted: ${halted.reason}` }, oldestSeconds };
    if (oldestSeconds !== null && oldestSeconds > Number(env.READY_MAX_AGE_SECONDS)) {
      const [first] = unfinished;
      const detail = `block ${first?.blockNumber} has been ${first?.state} for long: ${first?.stage} does not get done`;
      return { check: { ok: false, detail }, oldestSeconds };
    }
    return { check: { ok: true }, oldestSeconds };
  } catch (error) {
    log.error("ready.failed", { binding: "chain-head", error: errorText(error) });
    return {
      check: { ok: false, detail: "the chain head does not answer; its error is in the log of this request" },
      oldestSeconds: null,
    };
  }
}
