import { chainHead, type ChainHeadEnv } from "../objects/chain-head.ts";
import { parseCanonical } from "../crypto/canonical.ts";
import { Envelope } from "../crypto/envelope.ts";
import { errorText, type Log } from "../runtime/log.ts";
import { r2Keys } from "../storage/layout.ts";
import { settleConnections } from "../storage/limits.ts";
import { hexByChance } from "../storage/pages.ts";
import { pendingMetadata, type PendingDetails } from "../storage/pending.ts";
import { readObject } from "../storage/r2-tier.ts";
import { createSealed } from "../storage/sealed-object.ts";

export interface IntentsEnv extends ChainHeadEnv {
  readonly R2: R2Bucket;
}

type ReleasableIntent = PendingDetails & { readonly txId: string };

const RELEASE_AT_ONCE = 100;
/** Pages that one run reads; the next run releases the rest. */
const PAGES_IN_A_RUN = 10;

/**
 * Moves paid submissions from `intents/` to `pending/` and admits them. The order is copy, admit, delete: after a crash,
 * or beside another release, the same steps change nothing. A run begins at a random id, so that submissions whose bytes
 * cannot be read do not hold up the submissions after them.
 * @throws AggregateError when some submissions could not be copied; all others are released
 */
export async function releasePaidIntents(env: IntentsEnv, log: Log): Promise<void> {
  const start = `vdc_tx_${hexByChance()}`;
  let after = start;
  const failures: unknown[] = [];
  for (let page = 0; page < PAGES_IN_A_RUN; page++) {
    const listed = await chainHead(env).paidIntents(after, RELEASE_AT_ONCE);
    const paid = after < start ? listed.filter(({ txId }) => txId <= start) : listed;
    const outcomes = await settleConnections(paid, (intent) => copyToPending(intent, env, log));
    const copied = paid.flatMap((intent, i) => {
      const outcome = outcomes[i];
      const envelopeSize = outcome?.status === "fulfilled" ? outcome.value : undefined;
      return envelopeSize === undefined ? [] : [{ ...intent, envelopeSize }];
    });
    for (const outcome of outcomes) if (outcome.status === "rejected") failures.push(outcome.reason);
    if (copied.length > 0) await admitCopied(copied, env, log);
    const isAround = after < start && paid.length < RELEASE_AT_ONCE;
    if (isAround) break;
    after = listed.length < RELEASE_AT_ONCE ? "" : (listed.at(-1)?.txId ?? "");
  }
  if (failures.length > 0) {
    log.error("intents.not_released", { count: failures.length, error: errorText(failures[0]) });
    throw new AggregateError(failures, `${failures.length} paid submissions could not be copied to pending/`);
  }
}

/**
 * @returns bytes of the envelope; `undefined` when it no longer exists (expired or erased): the transaction then waits
 * for its submission again
 */
async function copyToPending(
  intent: ReleasableIntent,
  env: IntentsEnv,
  log: Log,
): Promise<number | undefined> {
  const { txId } = intent;
  const bytes = await readObject(env.R2, r2Keys.intent(txId));
  if (bytes === undefined) {
    log.warn("intent.missing", { txId });
    await chainHead(env).intentMissing(txId);
    return undefined;
  }
  const envelope = parseCanonical(Envelope, bytes);
  await createSealed(env.R2, { kind: "pending_transaction", id: txId, envelope }, pendingMetadata(intent));
  return bytes.length;
}

async function admitCopied(
  copied: readonly (ReleasableIntent & { readonly envelopeSize: number })[],
  env: IntentsEnv,
  log: Log,
): Promise<void> {
  const { results } = await chainHead(env).admit(copied);
  // Another release was faster, and its block is complete already. `pending-cleaner` will not delete these late copies.
  const tooLate = copied.filter((_, i) => results[i] === "finished");
  await env.R2.delete([
    ...tooLate.map(({ txId }) => r2Keys.pending(txId)),
    ...copied.map(({ txId }) => r2Keys.intent(txId)),
  ]);
  for (const [i, { txId }] of copied.entries()) log.info("intent.released", { txId, admission: results[i] });
}
