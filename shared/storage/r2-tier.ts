import { equalBytes } from "../crypto/bytes.ts";
import { sha256OfFile } from "../crypto/hash.ts";
import { Permanent } from "../runtime/errors.ts";
import { r2Keys } from "./layout.ts";
import { publicKeyIn } from "./policies.ts";
import type { BlockCopy, BlockLocator, Tier } from "./tier.ts";

/**
 * The archive: `blocks/{n}.json`, create-only. R2 is strongly consistent, so create-only stops a second block of one number
 * even if the chain head errs.
 */
export function r2Tier(bucket: R2Bucket): Tier {
  return {
    name: "r2",

    async store({ block, bytes }: BlockCopy) {
      const key = publicKeyIn("r2", "chain_block", block.blockNumber);
      if (await createOnly(bucket, key, bytes)) return;
      const stored = await readObject(bucket, key);
      if (stored === undefined) throw new Error(`${key} exists and can't be read: retrying`);
      if (!equalBytes(stored, bytes))
        throw new Permanent("forked", `R2 holds other bytes under ${key} than those sealed`);
    },

    async replace({ block, bytes }: BlockCopy) {
      const key = publicKeyIn("r2", "chain_block", block.blockNumber);
      await bucket.put(key, bytes, await attributes(bytes));
    },

    async read({ blockNumber }: BlockLocator) {
      const bytes = await readObject(bucket, r2Keys.block(blockNumber));
      return bytes === undefined
        ? { state: "missing", detail: "R2 has no such object" }
        : { state: "present", bytes };
    },
  };
}

/**
 * Writes a block under its number in the place of what R2 was just seen to hold: nothing, or wrong bytes with this ETag.
 * @returns false when R2 holds another object by now
 */
export function archiveInstead(
  bucket: R2Bucket,
  blockNumber: number,
  seenEtag: string | undefined,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const key = publicKeyIn("r2", "chain_block", blockNumber);
  return seenEtag === undefined ? createOnly(bucket, key, bytes) : replaceOnly(bucket, key, seenEtag, bytes);
}

/** Writes an object that must not exist yet, with its checksum. Returns false when the key is taken. */
export async function createOnly(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  customMetadata?: Record<string, string>,
): Promise<boolean> {
  const created = await bucket.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: "*" },
    ...(await attributes(bytes)),
    ...(customMetadata && { customMetadata }),
  });
  return created !== null;
}

/**
 * Replaces the version of an object that has this ETag. Returns false when another version is present. The new bytes must
 * differ, because the ETag is a hash of the bytes.
 */
export async function replaceOnly(
  bucket: R2Bucket,
  key: string,
  etag: string,
  bytes: Uint8Array<ArrayBuffer>,
  customMetadata?: Record<string, string>,
): Promise<boolean> {
  const replaced = await bucket.put(key, bytes, {
    onlyIf: { etagMatches: etag },
    ...(await attributes(bytes)),
    ...(customMetadata && { customMetadata }),
  });
  return replaced !== null;
}

async function attributes(bytes: Uint8Array<ArrayBuffer>) {
  return { sha256: await sha256OfFile(bytes), httpMetadata: { contentType: "application/json" } };
}

/** Reads an object's bytes; `undefined` when R2 says that it does not exist. */
export async function readObject(
  bucket: R2Bucket,
  key: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const object = await bucket.get(key);
  return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
}
