import { DurableObject } from "cloudflare:workers";
import type { LogEndorsement } from "../../../shared/tlog/endorsement.ts";
import type { Env } from "../env.ts";
import { commit, shown } from "./commit.ts";
import { endorsed, endorsements, keysToEndorse, registerKeys, type LogKeySet } from "./keys.ts";
import { getValue, migrate, type CheckpointPair } from "./schema.ts";

/** State of the two logs. */
export interface LogFacts {
  readonly endorsements: readonly LogEndorsement[];
  /** The pair that was signed last; it may not be published yet. */
  readonly committed: CheckpointPair | null;
  /** The newest pair whose tiles and history are in R2. */
  readonly shown: CheckpointPair | null;
}

/**
 * Decides which checkpoint of each size is the log's: one object per chain, named by CHAIN_ID. Each decision is one
 * synchronous transaction without I/O.
 */
export class LogHead extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => context.storage.transactionSync(() => migrate(this.#sql)));
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  async #decide<T>(decision: () => T): Promise<T> {
    return this.ctx.storage.transactionSync(decision);
  }

  registerKeys(keys: LogKeySet) {
    return this.#decide(() => registerKeys(this.#sql, keys));
  }

  keysToEndorse() {
    return keysToEndorse(this.#sql);
  }

  endorsed(endorsement: LogEndorsement) {
    return this.#decide(() => endorsed(this.#sql, endorsement));
  }

  commit(pair: CheckpointPair) {
    return this.#decide(() => commit(this.#sql, pair));
  }

  shown(size: number) {
    return this.#decide(() => shown(this.#sql, size));
  }

  facts(): LogFacts {
    return {
      endorsements: endorsements(this.#sql),
      committed: getValue(this.#sql, "committed") ?? null,
      shown: getValue(this.#sql, "shown") ?? null,
    };
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }
}
