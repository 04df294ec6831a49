import {
  activationToken,
  TOKEN_BYTES,
  tokenHashOf,
  tokenMetadata,
} from "../../../shared/storage/activation-tokens.ts";
import type { IssuedToken } from "../../../shared/api/activation.ts";
import { SEALED_NAMES } from "../../../shared/chain/sealed-names.ts";
import { canonicalBytes } from "../../../shared/crypto/canonical.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { createSealed } from "../../../shared/storage/sealed-object.ts";
import { systemKey, type Env } from "../env.ts";

export interface TokenOrder {
  readonly expiresInSeconds: number;
  /** For example, for whom the token is. Only a holder of the system's private key can read it. */
  readonly private?: Readonly<Record<string, string>> | undefined;
  /** The operator's name. */
  readonly issuedBy: string;
}

const PRIVATE_BYTES = 4_096;

/**
 * Makes a token that registers one user. If the answer is lost, the operator makes another token. The lost one can't be used,
 * because only its hash is stored, and it expires.
 * @throws Problem "body-too-large" or "not-configured"
 */
export async function issueToken(order: TokenOrder, env: Env, log: Log): Promise<IssuedToken> {
  const privatePart = wellFormed(order.private ?? {});
  if (canonicalBytes(privatePart).length > PRIVATE_BYTES)
    throw new Problem("body-too-large", `Member private may have at most ${PRIVATE_BYTES} bytes.`, {
      members: { maxBytes: PRIVATE_BYTES },
    });
  const token = activationToken(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
  const tokenHash = tokenHashOf(token);
  const issuedAt = Date.now();
  const expiresAt = issuedAt + order.expiresInSeconds * 1_000;
  const contents = canonicalBytes({
    issuedAt,
    issuedBy: order.issuedBy.toWellFormed(),
    expiresAt,
    ...(order.private && { private: privatePart }),
  });
  const envelope = await (await systemKey(env)).seal(SEALED_NAMES.activation(tokenHash), contents);
  const sealed = { kind: "activation_token", id: tokenHash, envelope } as const;
  if (!(await createSealed(env.R2, sealed, tokenMetadata({ expiresAt }))))
    throw new Error("two tokens have the same hash: the random number generator is broken");
  log.info("activation.issued", { tokenHash, expiresAt });
  return { token, tokenHash, expiresAt };
}

/** Replaces half surrogate pairs, which JSON may hold and canonical JSON may not. */
function wellFormed(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.toWellFormed()]));
}
