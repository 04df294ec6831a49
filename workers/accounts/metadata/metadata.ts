import { done } from "../../../shared/http/rpc-result.ts";
import { Problem } from "../../../shared/http/problems.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { verifyUserMetadata, type UserMetadataRecord } from "../../../shared/chain/user-metadata.ts";
import type { Env } from "../env.ts";
import type { StoredVersion } from "./keep-metadata.ts";
import { countKeyWrite } from "../rate-limit.ts";
import { registeredKey } from "../submissions/registered-key.ts";

/** @throws Problem "invalid-user-signature" */
export async function checkMetadata(record: UserMetadataRecord, env: Env): Promise<void> {
  if (await verifyUserMetadata(env.CHAIN_ID, record)) return;
  throw new Problem(
    "invalid-user-signature",
    "The signature is not the user's over this metadata: sign what docs/format.md says, for this chain.",
  );
}

/**
 * Replaces a registered user's metadata by a newer version.
 * @throws Problem "invalid-user-signature", "not-registered", "stale-version" or "unavailable"
 */
export async function replaceMetadata(
  record: UserMetadataRecord,
  env: Env,
  log: Log,
): Promise<StoredVersion> {
  const { userId, envelope } = record;
  await checkMetadata(record, env);
  await countKeyWrite(userId, env, log);
  const sealedTo = await registeredKey(userId, envelope.kid, env);
  const stored = done(await env.USER_METADATA.getByName(userId).keep(record, sealedTo));
  log.info("user_metadata.stored", { userId, version: stored.version });
  return stored;
}

/**
 * Stores the metadata that a user sends with an activation. When the same activation is repeated, a newer version may be present,
 * and stays.
 * @throws Problem "stale-version" when other metadata has this very version; "unavailable"
 */
export async function storeFirstMetadata(
  record: UserMetadataRecord,
  encryptionKeyId: string,
  env: Env,
): Promise<void> {
  try {
    done(await env.USER_METADATA.getByName(record.userId).keep(record, encryptionKeyId));
  } catch (error) {
    if (!isNewerThere(error, record)) throw error;
  }
}

function isNewerThere(error: unknown, { version }: UserMetadataRecord): boolean {
  if (!(error instanceof Problem) || error.slug !== "stale-version") return false;
  return typeof error.members.version === "number" && error.members.version > version;
}
