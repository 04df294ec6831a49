import { createCipheriv, createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cidV0, LEAF_BYTES, unixfsV0 } from "../../../../shared/crypto/cid.ts";
import { fromHex } from "../../../../shared/crypto/bytes.ts";
import { runs } from "../../../support/assertions/fast-check.ts";
import { some, vectorSets } from "../../../support/chain/vectors.ts";

interface Cids {
  small: { name: string; contentHex: string; cidV0: string }[];
  keystreamFiles: {
    name: string;
    size: number;
    seed: string;
    chunks: number;
    sha256Hex: string;
    cidV0: string;
  }[];
}

describe.each(vectorSets("cid.json", "cid/cid.json"))("published CIDs, $set", ({ vectors }) => {
  const { small, keystreamFiles } = vectors as Cids;

  it.each(some(small))("names $name", async ({ contentHex, cidV0: expected }) => {
    expect(await cidV0(fromHex(contentHex))).toBe(expected);
  });

  it.each(some(keystreamFiles))("names $name ($size bytes)", async (row) => {
    const { hash, cid } = await keystreamFile(row.seed, row.size);
    expect(hash).toBe(row.sha256Hex);
    expect(cid).toBe(row.cidV0);
  });
});

describe("the blocks of a file", () => {
  it("are all there, each once, children before the root, and hash to their CIDs", async () => {
    const bytes = keystream("any seed", 262_144 * 2 + 1);
    const { cid, blocks } = await unixfsV0(bytes);
    expect(cid).toBe(await cidV0(bytes));
    expect(blocks).toHaveLength(4);
    expect(blocks.at(-1)?.cid).toBe(cid);
    expect(new Set(blocks.map((block) => block.cid)).size).toBe(4);
    const total = blocks.slice(0, -1).reduce((sum, block) => sum + block.bytes.length, 0);
    expect(total).toBeGreaterThan(bytes.length);
    for (const block of blocks) expect(base58(multihash(block.bytes))).toBe(block.cid);
  });

  it("are one block for a small file, and one leaf for equal chunks", async () => {
    expect((await unixfsV0(new Uint8Array())).blocks).toHaveLength(1);
    expect((await unixfsV0(new Uint8Array(262_144 * 5))).blocks).toHaveLength(2);
  });

  it("change their root with any byte", async () => {
    const bytes = keystream("any seed", 300_000);
    expect(await cidV0(bytes)).not.toBe(await cidV0(bytes.with(299_999, 1 ^ (bytes[299_999] ?? 0))));
  });
});

describe("the CID of a file", () => {
  it("is the importer's, with one leaf and with several", async () => {
    const size = fc.oneof(
      fc.integer({ min: 0, max: 300 }), // lengths of one byte and of two
      fc.integer({ min: 16_300, max: 16_500 }), // lengths of two bytes and of three
      fc.integer({ min: LEAF_BYTES - 20, max: LEAF_BYTES + 20 }),
      fc.integer({ min: 0, max: 3 * LEAF_BYTES }),
    );
    await fc.assert(
      fc.asyncProperty(size, fc.string(), async (size, seed) => {
        const bytes = keystream(seed, size);
        expect(await cidV0(bytes)).toBe((await unixfsV0(bytes)).cid);
      }),
      { numRuns: runs(60), examples: [0, 1, LEAF_BYTES, LEAF_BYTES + 1].map((size) => [size, ""]) },
    );
  });
});

const files = new Map<string, { hash: string; cid: string }>();

/** Makes a file from its seed. Cached, because both sets name the same files of 45 MB. */
async function keystreamFile(seed: string, size: number): Promise<{ hash: string; cid: string }> {
  const known = files.get(`${size} ${seed}`);
  if (known !== undefined) return known;
  const bytes = keystream(seed, size);
  const file = { hash: createHash("sha256").update(bytes).digest("hex"), cid: await cidV0(bytes) };
  files.set(`${size} ${seed}`, file);
  return file;
}

/**
 * Returns the ChaCha20 keystream under SHA-256 of the seed, nonce and counter zero: the input of IPIP-499's fixtures.
 */
function keystream(seed: string, size: number): Uint8Array {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("chacha20", key, Buffer.alloc(16)).update(new Uint8Array(size));
}

function multihash(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x12, 0x20), createHash("sha256").update(bytes).digest()]);
}

function base58(bytes: Buffer): string {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let text = "";
  for (let value = BigInt(`0x${bytes.toString("hex")}`); value > 0n; value /= 58n)
    text = (alphabet[Number(value % 58n)] ?? "") + text;
  return text;
}
