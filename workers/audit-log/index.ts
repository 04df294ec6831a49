import { DurableObject } from "cloudflare:workers";
import type { Deed, Outcome } from "../../shared/audit.ts";
import { answered, asked } from "./append.ts";
import { page, type PageRequest } from "./reads.ts";
import { migrate } from "./schema.ts";

export interface Env {}

/** The log of what operators do: one object per chain, named by CHAIN_ID. It only grows, entry by entry. */
export class AuditLog extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => context.storage.transactionSync(() => migrate(this.#sql)));
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  /** Durable when it resolves: only then may the work begin. */
  async asked(deed: Deed) {
    return this.ctx.storage.transactionSync(() => asked(this.#sql, deed, Date.now()));
  }

  /** Told again for the same question, it changes nothing and answers the same. */
  async answered(sequence: number, outcome: Outcome) {
    return this.ctx.storage.transactionSync(() => answered(this.#sql, sequence, outcome, Date.now()));
  }

  /** What the object's storage takes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }

  page(request: PageRequest) {
    return page(this.#sql, request);
  }
}

/** No HTTP of its own: other Workers call the object. */
export default {
  fetch: () => new Response("the audit log answers no HTTP: ask the gateway", { status: 404 }),
} satisfies ExportedHandler<Env>;
