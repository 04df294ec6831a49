import { beforeAll, describe, expect, it } from "vitest";
import type { Block } from "../../../../shared/chain/block.ts";
import type { Transaction, TxId } from "../../../../shared/chain/transaction.ts";
import { Unverified, verifyMined } from "../../../../shared/client/verify-mined.ts";
import {
  announced,
  CHAIN_ID,
  creation,
  genesis,
  payment,
  revocation,
  rotation,
  signedBy,
  signerOf,
  TestChain,
  withSignature,
  type Signer,
} from "../../../support/chain/chain.ts";

let signers: readonly [Signer, Signer, Signer, Signer];
let chain: TestChain;
let mined: Transaction;

/** Makes genesis, two rotations with a payment beside each, and the examined block, signed with the third key. */
beforeAll(async () => {
  signers = (await Promise.all(["first", "second", "third", "stranger"].map(signerOf))) as never;
  const [first, second, third] = signers;
  chain = new TestChain();
  await chain.add([genesis(first)], first);
  await chain.add([rotation(second), payment("a")], first);
  await chain.add([rotation(third), payment("b")], second);
  mined = await signedBy(signers[3], creation("deed-1"));
  await chain.add([payment("c"), mined], third);
});

/** Returns a key as a deployment may show it. @param statedIn the block that is claimed to state a revocation */
const shown = (signer: Signer, announcedIn: number, statedIn?: number) => ({
  ...announced(signer),
  announcedIn,
  retiredIn: null,
  revocation: statedIn === undefined ? null : { fromBlock: 0, reason: "", blockNumber: statedIn },
  blocks: null,
});

/** Verifies against a deployment that may lie: with other blocks, or with other announced keys. */
async function verify(
  lies: {
    blocks?: Readonly<Record<number, Block>>;
    genesisHash?: string;
    txId?: TxId;
    index?: number;
    number?: number;
    also?: number;
    /** The block that is claimed to state a revocation. */
    revokedIn?: number;
  } = {},
) {
  const [genesisBlock] = chain.blocks;
  const read: number[] = [];
  const keys = [
    ...signers.slice(0, 3).map((signer, announcedIn) => shown(signer, announcedIn, lies.revokedIn)),
    ...(lies.also === undefined ? [] : [shown(signers[3], lies.also)]),
  ];
  const verified = await verifyMined(
    lies.txId ?? mined.id,
    { blockNumber: lies.number ?? 3, index: lies.index ?? 1 },
    {
      announced: {
        chainId: CHAIN_ID,
        formatVersion: 1,
        genesisHash: genesisBlock?.hash ?? null,
        latestBlock: 3,
        indexedThrough: null,
        signingKeys: keys,
        ipfsGatewayUrl: "https://ipfs.example",
        log: null,
      },
      async record(blockNumber) {
        read.push(blockNumber);
        const block = lies.blocks?.[blockNumber] ?? chain.blocks[blockNumber];
        return { ...block, ipfsHash: "Qm", ipfsGatewayUrl: "", storage: { r2Key: "", storedAt: 0 } };
      },
      genesisHash: lies.genesisHash,
    },
  ).catch((error: unknown) => {
    if (error instanceof Unverified) return error.fault;
    throw error;
  });
  return { verified, read };
}

describe("a mined transaction", () => {
  it("is verified with keys that lead back to genesis, and only the blocks on that way are read", async () => {
    const { verified, read } = await verify();
    expect(verified).toMatchObject({ transaction: { id: mined.id }, block: { blockNumber: 3 } });
    expect(read).toEqual([0, 1, 2, 3]);
  });

  it("is refused when its block is signed by a key that is announced, but by no block [T44]", async () => {
    const [, , , stranger] = signers;
    const real = chain.blocks[3] as Block;
    const forged = await new TestChain().build(real.transactions, stranger, real);
    for (const also of [0, 1, 2, 3])
      expect((await verify({ blocks: { 3: forged }, also })).verified, String(also)).toBe("unknown_key");
  });

  it("is refused when its block is signed by a key that was retired before it", async () => {
    const real = chain.blocks[3] as Block;
    const late = await chain.build(real.transactions, signers[1], real);
    expect((await verify({ blocks: { 3: late } })).verified).toBe("retired_key");
  });

  it("is refused when a later block revokes the key from this block on, and verified when from a later one on", async () => {
    const [, second, third] = signers;
    const inBlock2 = { txId: payment("b").id, number: 2, index: 1, revokedIn: 4 };
    for (const [from, fault] of [
      [2, "revoked_key"],
      [3, undefined],
    ] as const) {
      const stating = await chain.build([revocation(second, from)], third);
      const { verified, read } = await verify({ ...inBlock2, blocks: { 4: stating } });
      if (fault === undefined) expect(verified).toMatchObject({ transaction: { id: payment("b").id } });
      else expect(verified).toBe(fault);
      expect(read).toEqual([0, 1, 2, 4, 2]);
    }
    const forged = await chain.build([revocation(second, 2)], second);
    expect((await verify({ ...inBlock2, blocks: { 4: forged } })).verified).toBe("retired_key");
  });

  it("is refused when one byte of its block, or of a block with its key, is another [T36]", async () => {
    for (const [blockNumber, fault] of [
      [3, "wrong_hash"],
      [2, "wrong_hash"],
    ] as const) {
      const block = chain.blocks[blockNumber] as Block;
      const blocks = { [blockNumber]: { ...block, timestamp: block.timestamp + 1 } };
      expect((await verify({ blocks })).verified).toBe(fault);
    }
  });

  it("is refused when its user's signature is over something else", async () => {
    const [, , third, stranger] = signers;
    const real = chain.blocks[3] as Block;
    const signed = await withSignature(stranger, { ...mined, timestamp: 5 });
    const changed = { ...mined, signatures: signed.signatures };
    const block = await chain.build([payment("c"), changed], third, real);
    expect((await verify({ blocks: { 3: block } })).verified).toBe("wrong_user_signature");
  });

  it("is refused when another block, or another place in it, is shown", async () => {
    expect((await verify({ blocks: { 3: chain.blocks[1] as Block } })).verified).toBe("wrong_place");
    expect((await verify({ index: 0 })).verified).toBe("not_in_block");
  });

  it("is refused when the chain is another than the one whose genesis is known [T63]", async () => {
    expect((await verify({ genesisHash: "0".repeat(64) })).verified).toBe("wrong_genesis");
    const { hash } = chain.blocks[0] as Block;
    expect((await verify({ genesisHash: hash })).verified).toMatchObject({ block: { blockNumber: 3 } });
  });
});
