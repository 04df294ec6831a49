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
 * Keeps the envelopes of a block's transactions, still encrypted, in one object: what can be opened with the system
 * key, and erased on request, without touching the chain. Made once, before anything is deleted, and never again: what is
 * erased from it stays so, also when the block goes through its stages once more.
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
  // Another cleaner may have archived and cleared them while these were being read.
  if (missing.length > 0 && (await env.R2.head(key)) !== null) return;
  // The chain keeps its commitment, but that private part can't be shown any more: somebody deleted it by hand.
  for (const txId of missing) log.error("private.missing", { blockNumber, txId });
  await createOnly(
    env.R2,
    key,
    archiveBytes({ blockNumber, envelopes: Object.fromEntries(envelopes), missing }),
  );
}

/** One that was damaged since it was mined must not keep the others, and its block, from being finished. */
function envelopeIn(bytes: Uint8Array): Json {
  try {
    const envelope = JSON.parse(fromUtf8(bytes)) as Json;
    canonicalText({ envelopes: { envelope } }); // as deep as it is archived
    return envelope;
  } catch {
    return { damaged: base64url(bytes) };
  }
}
