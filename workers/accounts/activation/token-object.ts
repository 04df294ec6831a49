import * as v from "valibot";
import {
  readTokenMetadata,
  tokenMetadata,
  type TokenFacts,
} from "../../../shared/storage/activation-tokens.ts";
import type { TxId } from "../../../shared/chain/transaction.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText, type Log } from "../../../shared/runtime/log.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { replaceSealed } from "../../../shared/storage/sealed-object.ts";

/** A token as R2 holds it: sealed to the system, with its metadata in clear. */
interface StoredToken {
  readonly tokenHash: string;
  readonly envelope: Envelope;
  readonly etag: string;
  readonly facts: TokenFacts;
}

/** @throws Problem "not-found" for a token that was never issued, or expired long ago */
export async function storedToken(bucket: R2Bucket, tokenHash: string): Promise<StoredToken> {
  const object = await bucket.get(r2Keys.activation(tokenHash));
  if (object === null)
    throw new Problem("not-found", "There is no such activation token. Check it, or ask for a new one.");
  const facts = readTokenMetadata(object.customMetadata);
  if (facts === undefined) throw new Error(`the object of token ${tokenHash} does not say when it expires`);
  return { tokenHash, envelope: v.parse(Envelope, await object.json()), etag: object.etag, facts };
}

/**
 * Spends an unspent token. If several requests try at once, one succeeds.
 * @returns false when another request was first
 * @throws Problem "unavailable" when R2 gives no answer; a repeat of the request finds out
 */
export async function spend(
  bucket: R2Bucket,
  { tokenHash, envelope, etag, facts }: StoredToken,
  by: { readonly txId: TxId; readonly at: number },
  log: Log,
): Promise<boolean> {
  const sealed = { kind: "activation_token", id: tokenHash, envelope } as const;
  const metadata = tokenMetadata({ ...facts, usedBy: by.txId, usedAt: by.at });
  try {
    return await replaceSealed(bucket, sealed, etag, metadata);
  } catch (error) {
    log.error("activation.spend_failed", { tokenHash, error: errorText(error) });
    throw new Problem("unavailable", "The token could not be marked as used. Send the same again.", {
      headers: { "retry-after": "2" },
    });
  }
}
