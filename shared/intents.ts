import { chainHead, type ChainHeadEnv } from "./chain-head.ts";
import { parseCanonical } from "./crypto/canonical.ts";
import { Envelope } from "./crypto/envelope.ts";
import { errorText, type Log } from "./log.ts";
import { r2Keys } from "./storage/layout.ts";
import { settleConnections } from "./storage/limits.ts";
import { pendingMetadata } from "./storage/pending.ts";
import { readObject } from "./storage/r2-tier.ts";
import { createSealed } from "./storage/sealed-object.ts";

export interface IntentsEnv extends ChainHeadEnv {
  readonly R2: R2Bucket;
}

interface PaidIntent {
  readonly txId: string;
  readonly timestamp: number;
  readonly size: number;
  readonly grants?: string | undefined;
}

export interface Released {
  readonly count: number;
  /** Enough waits for mining to be asked for. */
  readonly mineNow: boolean;
}

const RELEASE_AT_ONCE = 100;
/** Paid submissions that one run releases at most. The next run releases the others. */
const RELEASE_IN_A_RUN = 1_000;

/**
 * Submissions that are paid go from `intents/` to `pending/` and are admitted. Copied first, admitted then, deleted
 * last: after a crash, or beside another release, the same again changes nothing.
 * @throws AggregateError when some could not be copied; the others are released all the same
 */
export async function releasePaidIntents(env: IntentsEnv, log: Log): Promise<Released> {
  let after = "";
  let count = 0;
  let mineNow = false;
  const failures: unknown[] = [];
  for (let seen = 0; seen < RELEASE_IN_A_RUN; seen += RELEASE_AT_ONCE) {
    const paid = await chainHead(env).paidIntents(after, RELEASE_AT_ONCE);
    const outcomes = await settleConnections(paid, (intent) => copyToPending(intent, env, log));
    const copied = paid.filter((_, i) => {
      const outcome = outcomes[i];
      return outcome?.status === "fulfilled" && outcome.value;
    });
    for (const outcome of outcomes) if (outcome.status === "rejected") failures.push(outcome.reason);
    if (copied.length > 0) ({ mineNow } = await admitCopied(copied, env, log));
    count += copied.length;
    const last = paid.at(-1);
    if (last === undefined || paid.length < RELEASE_AT_ONCE) break;
    after = last.txId;
  }
  if (failures.length > 0) {
    log.error("intents.not_released", { count: failures.length, error: errorText(failures[0]) });
    throw new AggregateError(failures, `${failures.length} paid submissions could not be copied to pending/`);
  }
  return { count, mineNow };
}

/** False: its bytes are gone (it had expired, or was erased), and it waits for its submission again. */
async function copyToPending(intent: PaidIntent, env: IntentsEnv, log: Log): Promise<boolean> {
  const { txId, timestamp, size, grants } = intent;
  const bytes = await readObject(env.R2, r2Keys.intent(txId));
  if (bytes === undefined) {
    log.warn("intent.missing", { txId });
    await chainHead(env).intentMissing(txId);
    return false;
  }
  const envelope = parseCanonical(Envelope, bytes);
  const metadata = pendingMetadata({ timestamp, size, grants });
  await createSealed(env.R2, { kind: "pending_transaction", id: txId, envelope }, metadata);
  return true;
}

async function admitCopied(copied: readonly PaidIntent[], env: IntentsEnv, log: Log) {
  const { results, mineNow } = await chainHead(env).admit(copied);
  // Another release was faster, and its block is complete already: this copy came too late to be cleared with it.
  const tooLate = copied.filter((_, i) => results[i] === "finished");
  await env.R2.delete([
    ...tooLate.map(({ txId }) => r2Keys.pending(txId)),
    ...copied.map(({ txId }) => r2Keys.intent(txId)),
  ]);
  for (const [i, { txId }] of copied.entries()) log.info("intent.released", { txId, admission: results[i] });
  return { mineNow };
}
