import { isExpired, tokenHashOf } from "../../../shared/storage/activation-tokens.ts";
import { registrationOf, type Activated, type ActivationRequest } from "../../../shared/api/activation.ts";
import { payloadOfSubmission } from "../../../shared/chain/submission.ts";
import type { Transaction, TxId } from "../../../shared/chain/transaction.ts";
import { verifyUserSignature } from "../../../shared/chain/user-signature.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { submissionWindow, type Env } from "../env.ts";
import { enqueue } from "../submissions/enqueue.ts";
import { checkMetadata, storeFirstMetadata } from "../metadata/metadata.ts";
import { countKeyWrite } from "../rate-limit.ts";
import { refuseImpossible } from "../submissions/refuse-impossible.ts";
import { checkTime } from "../submissions/submission-checks.ts";
import { spend, storedToken } from "./token-object.ts";

export type TakenActivation = Omit<Activated, "statusUrl">;

/**
 * Registers the user who holds a token. Everything is verified before the token is spent, and spending it is the decision. From
 * there on the token is spent for this very transaction, and a repeat of the request finishes what a crash interrupted.
 * @throws Problem "invalid-user-signature", "invalid-body", "not-found", "activation-expired", "activation-used",
 * "timestamp-outside-window", "already-exists", "unavailable" or "queue-unavailable"
 */
export async function activate(request: ActivationRequest, env: Env, log: Log): Promise<TakenActivation> {
  const payload = payloadOfSubmission(env.CHAIN_ID, registrationOf(request));
  const { transaction } = payload;
  await checkSignatures(request, transaction, env);
  await countKeyWrite(request.keys.signingKey.keyId, env, log);
  const userId = request.keys.signingKey.keyId;
  const txId = transaction.id;

  await spendFor(transaction, request.token, env, log);

  const known = await chainHead(env).transaction(txId);
  if (known === null) await enqueue(payload, env, log);
  if (request.encryptedMetadata !== undefined)
    await storeFirstMetadata(request.encryptedMetadata, request.keys.encryptionKey.keyId, env);
  log.info("activation.accepted", { txId, userId });
  return { txId, userId, state: known?.state ?? "pending" };
}

/** @throws Problem "invalid-user-signature" or "invalid-body" */
async function checkSignatures(
  { keys, signature, encryptedMetadata }: ActivationRequest,
  transaction: Transaction,
  env: Env,
): Promise<void> {
  const { signingKey, encryptionKey } = keys;
  if (signature.keyId !== signingKey.keyId || !(await verifyUserSignature(transaction)))
    throw new Problem(
      "invalid-user-signature",
      "The signature is not that of the key being registered over its registration: sign what docs/format.md says, for this chain.",
    );
  if (encryptedMetadata === undefined) return;
  await checkMetadata(encryptedMetadata, env);
  const { userId, envelope } = encryptedMetadata;
  if (userId !== signingKey.keyId || envelope.kid !== encryptionKey.keyId)
    throw new Problem("invalid-body", "Member encryptedMetadata: it is not of the keys being registered.", {
      members: { member: "encryptedMetadata" },
    });
}

/** Spends the token for this transaction, unless an earlier request did so. */
async function spendFor(transaction: Transaction, secret: string, env: Env, log: Log): Promise<void> {
  const { id: txId } = transaction;
  const tokenHash = tokenHashOf(secret);
  const token = await storedToken(env.R2, tokenHash);
  if (isSpentFor(txId, token.facts.usedBy)) return;
  const now = Date.now();
  if (isExpired(token.facts, now))
    throw new Problem("activation-expired", "This token has expired. Ask for a new one.", {
      members: { expiresAt: token.facts.expiresAt },
    });
  await refuseImpossible(transaction, env, { allowUnregistered: false });
  if ((await chainHead(env).transaction(txId)) === null)
    checkTime(transaction.timestamp, now, submissionWindow(env));
  if (await spend(env.R2, token, { txId, at: now }, log)) {
    log.info("activation.spent", { tokenHash, txId });
    return;
  }
  const { facts } = await storedToken(env.R2, tokenHash);
  if (!isSpentFor(txId, facts.usedBy))
    throw new Error(`the object of token ${tokenHash} was replaced, but not spent`);
}

/**
 * Decides whether the token is spent for this transaction.
 * @throws Problem "activation-used" when it is spent for another transaction
 */
function isSpentFor(txId: TxId, usedBy: TxId | undefined): boolean {
  if (usedBy === undefined || usedBy === txId) return usedBy === txId;
  throw new Problem(
    "activation-used",
    "This token has been used, with other keys or at another time. If that was you, send the very same request again.",
  );
}
