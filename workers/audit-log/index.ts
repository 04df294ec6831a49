import { DurableObject } from "cloudflare:workers";
import type { ActionOutcome, AuditedAction } from "../../shared/objects/audit-log.ts";
import { finished, started } from "./append.ts";
import { page, type PageRequest } from "./reads.ts";
import { migrate } from "./schema.ts";

export interface Env {}

/** The log of operator actions: one object per chain, named by CHAIN_ID. It only grows, entry by entry. */
export class AuditLog extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => context.storage.transactionSync(() => migrate(this.#sql)));
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  /** Records the start of an action. Durable when it resolves: the action may run only then. */
  async started(action: AuditedAction) {
    return this.ctx.storage.transactionSync(() => started(this.#sql, action, Date.now()));
  }

  /** Records an outcome. A repeat for the same action changes nothing and gets the same answer. */
  async finished(sequence: number, outcome: ActionOutcome) {
    return this.ctx.storage.transactionSync(() => finished(this.#sql, sequence, outcome, Date.now()));
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  page(request: PageRequest) {
    return page(this.#sql, request);
  }
}

/** The Worker answers no HTTP; other Workers call the object. */
export default {
  fetch: () => new Response("the audit log answers no HTTP: ask the gateway", { status: 404 }),
} satisfies ExportedHandler<Env>;
