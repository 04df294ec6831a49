import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, InvalidBlock, verifyBlock, type Block } from "../../../../shared/chain/block.ts";
import { ChainVerifier } from "../../../../shared/chain/verify-chain.ts";
import { cidV0 } from "../../../../shared/crypto/cid.ts";
import {
  announced,
  creation,
  genesis,
  payment,
  registration,
  rotation,
  signedBy,
  signerOf,
  TestChain,
  transfer,
  type Signer,
} from "../../../support/chain/chain.ts";

/** Verifies the blocks in order. @returns the fault of the first bad block, with its place in the list */
async function verify(blocks: readonly Uint8Array[], verifier = new ChainVerifier()): Promise<unknown> {
  for (const [i, bytes] of blocks.entries()) {
    try {
      await verifier.add(bytes);
    } catch (error) {
      return { at: i, fault: (error as { fault?: unknown }).fault ?? error };
    }
  }
  return "verified";
}

describe("a chain", () => {
  let first: Signer;
  let second: Signer;
  let stranger: Signer;
  let chain: TestChain;

  beforeAll(async () => {
    [first, second, stranger] = (await Promise.all(["first", "second", "stranger"].map(signerOf))) as [
      Signer,
      Signer,
      Signer,
    ];
    chain = new TestChain();
    await chain.add([genesis(first)], first);
    for (const n of [1, 2, 3, 4]) await chain.add([payment(`${n}a`), payment(`${n}b`)], first);
  });

  it("verifies block by block, and says which comes next", async () => {
    const verifier = new ChainVerifier();
    for (const [n, bytes] of chain.bytes().entries()) {
      expect(verifier.next).toBe(n);
      expect((await verifier.add(bytes)).blockNumber).toBe(n);
    }
    expect(verifier.next).toBe(5);
  });

  it("is not changed by a block that was refused: the true one is taken afterwards", async () => {
    const verifier = new ChainVerifier();
    const forgedGenesis = await new TestChain().build([genesis(stranger), payment("x")], stranger);
    const foreignGenesis = await new TestChain().build([genesis(stranger)], stranger, { blockNumber: 3 });
    const refused = async (block: Block) =>
      expect(await verify([blockBytes(block)], verifier)).not.toBe("verified");
    await refused(forgedGenesis);
    await refused(foreignGenesis);
    const [start, ...rest] = chain.bytes() as [Uint8Array, ...Uint8Array[]];
    expect(await verify([start], verifier)).toBe("verified");

    const partial = new TestChain();
    await partial.add([genesis(first)], first);
    await refused(await partial.build([payment("1a"), payment("1b"), payment("1a")], first));
    await refused(await partial.build([rotation(stranger), rotation(stranger)], first));
    await refused(await partial.build([payment("y")], stranger)); // the refused blocks announced this key
    expect(verifier.next).toBe(1);
    expect(await verify(rest, verifier)).toBe("verified");
  });

  it("refuses a block that names another CID than that of the bytes before it [T36]", async () => {
    const [start] = chain.bytes() as [Uint8Array];
    const one = new TestChain();
    await one.add([genesis(first)], first);
    const otherCid = await cidV0(new Uint8Array(1));
    for (const previousCid of [otherCid, null]) {
      const wrong = await one.build([payment("1")], first, { previousCid });
      expect(await verify([start, blockBytes(wrong)])).toEqual({ at: 1, fault: "wrong_place" });
    }
    const named = await one.build([payment("1")], first, { previousCid: await cidV0(start) });
    expect(await verify([start, blockBytes(named)])).toBe("verified");
    const unnamed = await one.build([genesis(first)], first, { blockNumber: 0, previousCid: otherCid });
    expect(await verify([blockBytes(unnamed)])).toEqual({ at: 0, fault: "wrong_place" });
  });

  it("refuses the block after one whose signature alone was exchanged: its bytes are others", async () => {
    const one = new TestChain();
    const before = await one.add([genesis(first)], first);
    const after = await one.build([payment("1")], first);
    const again = await new TestChain().build([genesis(first)], first);
    expect(again.hash).toBe(before.hash);
    expect(await verify([blockBytes(before), blockBytes(after)])).toBe("verified");
    expect(await verify([blockBytes(again), blockBytes(after)])).toEqual({ at: 1, fault: "wrong_place" });
  });

  describe("of users", () => {
    let users: TestChain;

    /**
     * Makes genesis, an asset that `second` created and gave to `stranger`, an asset that a payment created, and a
     * user.
     */
    beforeAll(async () => {
      users = new TestChain();
      await users.add([genesis(first)], first);
      await users.add([await signedBy(second, creation("deed")), creation("paid-deed")], first);
      await users.add([await signedBy(second, transfer("deed", stranger))], first);
      await users.add([await signedBy(second, registration(second))], first);
    });

    it("keeps no trace of a block that broke a rule: not of what it did before it broke it", async () => {
      const verifier = new ChainVerifier();
      expect(await verify(users.bytes(), verifier)).toBe("verified");
      const made = await signedBy(second, creation("new"));
      const given = await signedBy(stranger, transfer("deed", first));
      const registered = await signedBy(stranger, registration(stranger));
      const broken = await users.build([made, given, registered, creation("deed")], first);
      const refusal = await verifier.add(blockBytes(broken)).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(InvalidBlock);
      expect((refusal as InvalidBlock).message).toBe(
        `${creation("deed").id} creates an asset that an earlier transaction created (asset_exists)`,
      );
      expect(verifier.next).toBe(4);
      const sound = await users.build([made, given, registered], first);
      expect(await verify([blockBytes(sound)], verifier)).toBe("verified");
    });

    it("is not held to the rules block by block: only who has read the chain knows them", async () => {
      const block = await users.build([creation("deed")], first);
      const keys = new Map([[first.keyId, announced(first).publicKey]]);
      expect(await verifyBlock(blockBytes(block), block, (keyId) => keys.get(keyId))).toEqual(block);
    });
  });
});
