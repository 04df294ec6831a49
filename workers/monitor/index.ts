import { DurableObject } from "cloudflare:workers";
import type { Observation } from "../../shared/monitor.ts";
import type { Finding, OwedPost } from "./alert-state.ts";
import { alertStates, judge, notePost, takeOwedPosts } from "./alerts.ts";
import { counters, countObservations, failedStages } from "./counters.ts";
import { migrate } from "./schema.ts";

/** Nothing is bound: every other Worker reports to this one, so it must be there before them. */
export interface Env {}

/** Counts what the stages report, and remembers which alerts were posted. One object per chain, named by CHAIN_ID. */
export class Monitor extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => context.storage.transactionSync(() => migrate(this.#sql)));
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  async #decide<T>(decision: (now: number) => T): Promise<T> {
    return this.ctx.storage.transactionSync(() => decision(Date.now()));
  }

  report(observations: readonly Observation[]) {
    return this.#decide((now) => countObservations(this.#sql, observations, now));
  }

  counters() {
    return counters(this.#sql);
  }

  /** What is wrong: the latest failure of each stage, and the alerts. */
  troubles() {
    return { failedStages: failedStages(this.#sql), alerts: alertStates(this.#sql) };
  }

  /** What the object's storage takes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  judge(findings: readonly Finding[]) {
    return this.#decide((now) => judge(this.#sql, findings, now));
  }

  /** What is to be posted now; it counts as tried from here on. */
  takeOwedPosts(repeatSeconds: number) {
    return this.#decide((now) => takeOwedPosts(this.#sql, repeatSeconds, now));
  }

  notePost(post: OwedPost, taken: boolean) {
    return this.#decide((now) => notePost(this.#sql, post, taken, now));
  }

  alertStates() {
    return alertStates(this.#sql);
  }
}

/** No HTTP of its own: other Workers call the object. */
export default {
  fetch: () => new Response("the monitor answers no HTTP: ask the gateway", { status: 404 }),
} satisfies ExportedHandler<Env>;
