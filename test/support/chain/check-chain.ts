import { expect } from "vitest";
import { blockBytes, readBlock, type Block } from "../../../shared/chain/block.ts";
import { isSystems } from "../../../shared/chain/system-transactions.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
import { hex } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/**
 * Verifies the whole chain in every tier, as a stranger would. No block before `vdc:latest` is missing, the bytes in
 * R2, KV and IPFS are the same, and each block verifies against its predecessor. This holds after every step of every
 * test.
 * @returns the blocks, in order
 */
export async function checkChain(pipeline: Pipeline): Promise<Block[]> {
  const { kv, r2, pinning } = pipeline;
  const latest = await kv.get<{ blockNumber: number; hash: string; ipfsHash: string }>(kvKeys.latest, "json");
  const blocks: Block[] = [];
  if (latest === null) return blocks;
  const verifier = new ChainVerifier();
  for (let n = 0; n <= latest.blockNumber; n++) {
    const archived = await r2.get(r2Keys.block(n));
    if (archived === null)
      throw new Error(`vdc:latest names block ${latest.blockNumber}, but R2 has no block ${n}`);
    const bytes = new Uint8Array(await archived.arrayBuffer());
    blocks.push(await verifier.add(bytes));
    const cid = await cidV0(bytes);

    const pinned = await fetch(`${pinning.gatewayUrl}/ipfs/${cid}`);
    expect(pinned.status, `block ${n} on IPFS`).toBe(200);
    expect(
      hex(new Uint8Array(await pinned.arrayBuffer())) === hex(bytes),
      `block ${n}: IPFS and R2 agree`,
    ).toBe(true);

    const record = await kv.get<Record<string, unknown>>(kvKeys.block(n), "json");
    if (record === null)
      throw new Error(`vdc:latest names block ${latest.blockNumber}, but KV has no block ${n}`);
    const { ipfsHash, ipfsGatewayUrl, storage, ...block } = record;
    expect(hex(blockBytes(block as unknown as Block)) === hex(bytes), `block ${n}: KV and R2 agree`).toBe(
      true,
    );
    expect({ ipfsHash, ipfsGatewayUrl, storage }).toMatchObject({
      ipfsHash: cid,
      ipfsGatewayUrl: `${pinning.gatewayUrl}/ipfs/${cid}`,
      storage: { r2Key: r2Keys.block(n) },
    });
    if (n === latest.blockNumber)
      expect(latest).toMatchObject({ hash: readBlock(bytes).hash, ipfsHash: cid });
  }
  return blocks;
}

/** Expects each of these transactions in exactly one block, and no other transaction apart from the system's own. */
export function expectMined(blocks: readonly Block[], txIds: readonly string[]): void {
  const inBlocks = blocks.flatMap(({ transactions }) =>
    transactions.filter((transaction) => !isSystems(transaction)).map(({ id }) => id),
  );
  expect(inBlocks.toSorted()).toEqual([...txIds].toSorted());
}

/** Lists the keys of the objects in `pending/`. */
export async function pendingKeys({ r2 }: Pipeline): Promise<string[]> {
  const { objects } = await r2.list({ prefix: r2Keys.pendingPrefix });
  return objects.map(({ key }) => key);
}
