import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { createOnly } from "../../../shared/storage/r2-tier.ts";
import type { TierName } from "../../../shared/storage/tier.ts";

/** Keeps wrong bytes before right ones replace them, so that an operator can see what was there. */
export async function keepEvidence(
  blockNumber: number,
  tier: TierName,
  bytes: Uint8Array<ArrayBuffer>,
  { R2 }: { readonly R2: R2Bucket },
): Promise<void> {
  if (bytes.length === 0) return;
  await createOnly(R2, r2Keys.evidence(blockNumber, tier, await sha256HexOfFile(bytes)), bytes);
}
