import { readBlock, blockBytes, type Block } from "../../../shared/chain/block.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { errorText } from "../../../shared/runtime/log.ts";
import { blockOfRecord } from "../../../shared/storage/kv-tier.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import { readObject } from "../../../shared/storage/r2-tier.ts";
import type { Call } from "../http/operation.ts";

/**
 * Reads the very block that the chain head sealed, its signature included, from KV or else from R2.
 * @param sealed its number, and the SHA-256 of its bytes as the chain head knows it
 * @throws Problem "unavailable"
 */
export async function readSealed(
  call: Pick<Call, "env" | "log">,
  { blockNumber, sha256 }: { readonly blockNumber: number; readonly sha256: string },
): Promise<Block> {
  const { env, log } = call;
  const sources = [
    { tier: "kv", read: () => bytesInKv(env.KV, blockNumber) },
    { tier: "r2", read: () => readObject(env.R2, r2Keys.block(blockNumber)) },
  ] as const;
  for (const { tier, read } of sources) {
    try {
      const bytes = await read();
      if (bytes !== undefined && (await sha256HexOfFile(bytes)) === sha256) return readBlock(bytes);
      log.error("block.copy_unusable", { blockNumber, tier, present: bytes !== undefined });
    } catch (error) {
      log.error("block.copy_unreadable", { blockNumber, tier, error: errorText(error) });
    }
  }
  throw new Problem(
    "unavailable",
    `No sound copy of block ${blockNumber} can be read just now. Try again shortly.`,
    {
      headers: { "retry-after": "5" },
    },
  );
}

async function bytesInKv(kv: KVNamespace, blockNumber: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const block = blockOfRecord(await kv.get(kvKeys.block(blockNumber), "json"));
  return block && blockBytes(block);
}
