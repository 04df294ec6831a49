import { base64url, fromUtf8 } from "../../shared/crypto/bytes.ts";
import { canonicalText, type Json } from "../../shared/crypto/canonical.ts";
import type { Log } from "../../shared/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { readPending } from "../../shared/storage/pending.ts";
import { archiveBytes } from "../../shared/storage/private-archive.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import type { Env } from "./env.ts";

/**
 * Keeps the envelopes of a block's transactions in one object, still encrypted. The system key opens them, and they can be erased
 * on request without touching the chain. The object is created once, before any envelope is deleted, and never again: an erased
 * envelope stays erased, also when the block passes through its stages again.
 */
export async function archivePrivateParts(
  blockNumber: number,
  txIds: readonly string[],
  moved: readonly string[],
  env: Env,
  log: Log,
): Promise<void> {
  const key = r2Keys.private(blockNumber);
  if (txIds.length === 0 || (await env.R2.head(key)) !== null) return;
  const found = await mapConnections(txIds, async (txId) => {
    const bytes = await readPending(env.R2, txId, moved.includes(txId));
    return [txId, bytes && envelopeIn(bytes)] as const;
  });
  const envelopes = found.filter(([, envelope]) => envelope !== undefined);
  const missing = found.filter(([, envelope]) => envelope === undefined).map(([txId]) => txId);
  // Another cleaner may have archived and deleted the envelopes while this one read them.
  if (missing.length > 0 && (await env.R2.head(key)) !== null) return;
  // The chain keeps the commitment, but the private part is lost: a person deleted its object by hand.
  for (const txId of missing) log.error("private.missing", { blockNumber, txId });
  await createOnly(
    env.R2,
    key,
    archiveBytes({ blockNumber, envelopes: Object.fromEntries(envelopes), missing }),
  );
}

/**
 * Reads an envelope. One that was damaged after it was mined must not keep the block and its other envelopes from being finished.
 */
function envelopeIn(bytes: Uint8Array): Json {
  try {
    const envelope = JSON.parse(fromUtf8(bytes)) as Json;
    canonicalText({ envelopes: { envelope } }); // nested as deeply as in the archive
    return envelope;
  } catch {
    return { damaged: base64url(bytes) };
  }
}
