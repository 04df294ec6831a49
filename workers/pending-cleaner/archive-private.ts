import { base64url, fromUtf8 } from "../../shared/crypto/bytes.ts";
import { canonicalText, type Json } from "../../shared/crypto/canonical.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { mapConnections } from "../../shared/storage/limits.ts";
import { readPending } from "../../shared/storage/pending.ts";
import { archiveIn, restoreArchive, type PrivateArchive } from "../../shared/storage/private-archive.ts";
import { readObject } from "../../shared/storage/r2-tier.ts";
import type { Env } from "./env.ts";

/**
 * Keeps the envelopes of a block's transactions in one object, still encrypted. The system key opens them, and they can be erased
 * on request without touching the chain. The cleaner writes the archive before it deletes any envelope. An archive that is there
 * keeps its content, for it may be of a block of this number that a lost chain head made. An erased envelope stays erased, also
 * when the block passes through its stages again.
 */
export async function archivePrivateParts(
  blockNumber: number,
  txIds: readonly string[],
  moved: readonly string[],
  env: Env,
  log: Log,
): Promise<void> {
  const unarchived = withoutEnvelope(txIds, await storedArchive(blockNumber, env));
  if (unarchived.length === 0) return;
  const found = await mapConnections(unarchived, async (txId) => {
    const bytes = await readPending(env.R2, txId, moved.includes(txId));
    return [txId, bytes && envelopeIn(bytes)] as const;
  });
  const envelopes = found.filter(([, envelope]) => envelope !== undefined);
  const missing = found.filter(([, envelope]) => envelope === undefined).map(([txId]) => txId);
  // Another cleaner may have archived and cleared them while these were being read.
  const lost = missing.length > 0 ? withoutEnvelope(missing, await storedArchive(blockNumber, env)) : [];
  // The chain keeps its commitment, but that private part can't be shown any more: somebody deleted it by hand.
  for (const txId of lost) log.error("private.missing", { blockNumber, txId });
  await restoreArchive(env.R2, { blockNumber, envelopes: Object.fromEntries(envelopes), missing: lost });
}

/** `undefined` also for a damaged one, which `restoreArchive` replaces. */
async function storedArchive(blockNumber: number, { R2 }: Env): Promise<PrivateArchive | undefined> {
  const bytes = await readObject(R2, r2Keys.private(blockNumber));
  return bytes && archiveIn(bytes);
}

/** Returns the transactions of which the archive has neither an envelope nor the erasure. */
function withoutEnvelope(txIds: readonly string[], archive: PrivateArchive | undefined): string[] {
  return txIds.filter(
    (txId) => archive?.envelopes[txId] === undefined && archive?.erased?.includes(txId) !== true,
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
