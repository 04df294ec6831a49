import { DurableObject } from "cloudflare:workers";
import { KeyringError } from "../../shared/crypto/keyring.ts";
import { logger } from "../../shared/runtime/log.ts";
import { InvalidLog } from "../../shared/tlog/invalid-log.ts";
import type { SignedTree } from "../../shared/witness/decide.ts";
import { serveWitness } from "../../shared/witness/serve.ts";
import { advance, keepNote, lastNote, migrate } from "../../shared/witness/state.ts";
import type { Witness as WitnessSetup } from "../../shared/witness/witness.ts";
import { witnessOf, type Env } from "./env.ts";

/** The memory of the witness: the largest tree of each log that it has cosigned. */
export class Witness extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    void context.blockConcurrencyWhile(async () => context.storage.transactionSync(() => migrate(this.#sql)));
  }

  get #sql() {
    return this.ctx.storage.sql;
  }

  /** Decides about a signed tree, and stores it if the witness may cosign it. Durable when it resolves. */
  async advance(origin: string, signed: SignedTree) {
    return this.ctx.storage.transactionSync(() => advance(this.#sql, origin, signed));
  }

  async keepNote(origin: string, size: number, note: string) {
    keepNote(this.#sql, origin, size, note);
  }

  async lastNote(origin: string) {
    return lastNote(this.#sql, origin);
  }
}

export default {
  async fetch(request, env) {
    const setup = await witnessOrFault(env);
    return typeof setup === "string"
      ? new Response(`${setup}\n`, { status: 503 })
      : serveWitness(setup, request);
  },
} satisfies ExportedHandler<Env>;

/** A witness with bad settings must not sign. Its errors name the setting, and never hold a key. */
async function witnessOrFault(env: Env): Promise<WitnessSetup | string> {
  try {
    return await witnessOf(env);
  } catch (error) {
    if (!(error instanceof KeyringError || error instanceof InvalidLog)) throw error;
    logger("witness", {}).error("witness.bad_settings", { reason: error.message });
    return `This witness is not set up: ${error.message}`;
  }
}
