import { DurableObject } from "cloudflare:workers";
import type { AlertCheck, DuePost } from "../../shared/objects/alerts.ts";
import type { Observation } from "../../shared/objects/monitor.ts";
import { alertStates, recordAlerts, recordPost, takeDuePosts } from "./alerts.ts";
import { counters, countObservations, failedStages } from "./counters.ts";
import { migrate } from "./schema.ts";

/** The monitor has no bindings: the Workers that report to it bind it, so it must be deployed before them. */
export interface Env {}

/** Counts the reports of the stages, and keeps the state of the alerts. One object per chain, named by CHAIN_ID. */
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

  /** Returns the latest failure of each stage, and the alerts. */
  status() {
    return { failedStages: failedStages(this.#sql), alerts: alertStates(this.#sql) };
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  /** Returns the alerts that these checks started or ended. */
  recordAlerts(checks: readonly AlertCheck[]) {
    return this.#decide((now) => recordAlerts(this.#sql, checks, now));
  }

  /** Returns the posts that are due; each counts as tried from here on. */
  takeDuePosts(repeatSeconds: number) {
    return this.#decide((now) => takeDuePosts(this.#sql, repeatSeconds, now));
  }

  recordPost(post: DuePost, accepted: boolean) {
    return this.#decide((now) => recordPost(this.#sql, post, accepted, now));
  }

  alertStates() {
    return alertStates(this.#sql);
  }
}

/** The Worker answers no HTTP; other Workers call the object. */
export default {
  fetch: () => new Response("the monitor answers no HTTP: ask the gateway", { status: 404 }),
} satisfies ExportedHandler<Env>;
