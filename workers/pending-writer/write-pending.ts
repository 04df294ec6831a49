import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { chainHead } from "../../shared/objects/chain-head.ts";
import { Permanent } from "../../shared/runtime/errors.ts";
import { releasePaidIntents } from "../../shared/operations/release-intents.ts";
import { errorText, type Log } from "../../shared/runtime/log.ts";
import { isSealedForItself, type PendingTransaction } from "../../shared/queue/messages.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { settleConnections } from "../../shared/storage/limits.ts";
import { pendingDetails, pendingMetadata } from "../../shared/storage/pending.ts";
import { createSealed } from "../../shared/storage/sealed-object.ts";
import type { Env } from "./env.ts";

/**
 * Stores a batch of transactions, then has the chain head admit them. The first envelope of an id stays: a repeat with another
 * encryption of the same payment changes nothing.
 */
export async function writePending(
  messages: readonly PendingTransaction[],
  env: Env,
  log: Log,
): Promise<PromiseSettledResult<unknown>[]> {
  const written = await settleConnections(messages, (message) => writeOne(message, env));
  const durable = messages.filter((_, i) => written[i]?.status === "fulfilled");
  if (durable.length === 0) return written;

  const admissions = await chainHead(env).admit(
    durable.map((message) => ({
      txId: message.txId,
      envelopeSize: canonicalBytes(message.envelope).length,
      ...pendingDetails(message),
    })),
  );
  for (const [i, { txId }] of durable.entries()) {
    const result = admissions.results[i];
    log.info("transaction.pending", { txId, admission: result });
    // The pending object was deleted with its block, or when the transaction was refused. This late repeat has just made another
    // one.
    if (result === "finished") await env.R2.delete(r2Keys.pending(txId));
  }
  if (admissions.releaseNow) await release(env, log);
  return written;
}

/**
 * Releases the submissions for which these payments pay. The payments themselves are admitted, so a failure here must not fail
 * their messages: it is logged, and the cron of `accounts` releases the rest.
 */
async function release(env: Env, log: Log): Promise<void> {
  try {
    await releasePaidIntents(env, log);
  } catch (error) {
    log.error("release.failed", { error: errorText(error) });
  }
}

async function writeOne(message: PendingTransaction, env: Env): Promise<void> {
  const { txId, envelope } = message;
  if (!isSealedForItself(message))
    throw new Permanent("malformed_message", "the envelope is sealed for another transaction");
  await createSealed(env.R2, { kind: "pending_transaction", id: txId, envelope }, pendingMetadata(message));
}
