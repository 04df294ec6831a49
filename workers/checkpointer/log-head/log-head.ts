import { DurableObject } from "cloudflare:workers";
import type { LogEndorsement } from "../../../shared/tlog/endorsement.ts";
import type { Env } from "../env.ts";
import { commit, shown } from "./commit.ts";
import {
  addCosignatures,
  beginRound,
  witnessStates,
  type Cosigned,
  type WitnessState,
} from "./cosignatures.ts";
import { endorsed, endorsements, keysToEndorse, registerKeys, type LogKeySet } from "./keys.ts";
import { getValue, migrate, type CheckpointPair } from "./schema.ts";
import { stamped, stamps, type Stamp } from "./stamps.ts";

/** State of the two logs. */
export interface LogFacts {
  readonly endorsements: readonly LogEndorsement[];
  /** The pair that was signed last; it may not be published yet. */
  readonly committed: CheckpointPair | null;
  /** The newest pair whose tiles and history are in R2. */
  readonly shown: CheckpointPair | null;
  /** The newest pair that reached the quorum of the policy; null without witnesses. */
  readonly cosigned: CheckpointPair | null;
  /** The policy by which witnesses were last asked; null before. */
  readonly policy: string | null;
  readonly witnesses: readonly WitnessState[];
  /** The newest time stamp of each authority. */
  readonly stamps: readonly Stamp[];
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

  beginRound(policy: string, pauseMs: number) {
    return this.#decide(() => beginRound(this.#sql, policy, pauseMs, Date.now()));
  }

  addCosignatures(cosigned: Cosigned) {
    return this.#decide(() => addCosignatures(this.#sql, cosigned));
  }

  stamped(stamp: Stamp) {
    return this.#decide(() => stamped(this.#sql, stamp));
  }

  facts(): LogFacts {
    return {
      endorsements: endorsements(this.#sql),
      committed: getValue(this.#sql, "committed") ?? null,
      shown: getValue(this.#sql, "shown") ?? null,
      cosigned: getValue(this.#sql, "cosigned") ?? null,
      policy: getValue(this.#sql, "policy") ?? null,
      witnesses: witnessStates(this.#sql),
      stamps: stamps(this.#sql),
    };
  }

  /** Size of the object's storage, in bytes. */
  databaseBytes() {
    return this.ctx.storage.sql.databaseSize;
  }
}
