import { grantOf, needOf } from "../../../shared/chain/grant.ts";
import { transactionBytes, type PendingPayload } from "../../../shared/chain/transaction.ts";
import { canonicalBytes } from "../../../shared/crypto/canonical.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import type { PendingTransaction } from "../../../shared/queue/messages.ts";
import { QUEUE_MESSAGE_BYTES } from "../../../shared/storage/limits.ts";
import { systemKey, type Env } from "../env.ts";

/**
 * Seals a payload to the system's key, as a message of the queue.
 * @throws Problem "body-too-large"
 */
export async function messageOf(payload: PendingPayload, env: Env): Promise<PendingTransaction> {
  const { transaction } = payload;
  const grants = grantOf(transaction);
  const needs = needOf(transaction);
  const message: PendingTransaction = {
    v: 1,
    txId: transaction.id,
    timestamp: transaction.timestamp,
    size: transactionBytes(transaction).length,
    ...(grants !== undefined && { grants }),
    ...(needs !== undefined && { needs }),
    envelope: await (await systemKey(env)).seal(transaction.id, canonicalBytes(payload)),
  };
  if (JSON.stringify(message).length > QUEUE_MESSAGE_BYTES)
    throw new Problem(
      "body-too-large",
      "Encrypted, this is more than a queue takes: shorten the private part.",
    );
  return message;
}

/**
 * Seals a payload and hands it to the pipeline. The queue has the message when this resolves.
 * @throws Problem "body-too-large" or "queue-unavailable"
 */
export async function enqueue(payload: PendingPayload, env: Env, log: Log): Promise<void> {
  const message = await messageOf(payload, env);
  try {
    await env.PENDING_WRITER_QUEUE.send(message);
  } catch (error) {
    log.error("submission.queue_refused", { txId: message.txId, error: errorText(error) });
    throw new Problem(
      "queue-unavailable",
      "The queue did not take it. Send it again; repeats are harmless.",
      {
        headers: { "retry-after": "30" },
      },
    );
  }
}
