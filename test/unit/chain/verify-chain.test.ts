import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, InvalidBlock, verifyBlock, type Block } from "../../../shared/chain/block.ts";
import type { Transaction } from "../../../shared/chain/transaction.ts";
import { ChainVerifier } from "../../../shared/chain/verify-chain.ts";
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
} from "../../support/chain.ts";

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

const wrongPlace = (at: number) => ({ at, fault: "wrong_place" });
const brokenRule = (at: number) => ({ at, fault: "broken_rule" });

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

  /** Returns a verifier that has seen the whole chain, and a block that would come next. */
  async function next(
    transactions: readonly Transaction[],
    signer: Signer = first,
    changes: Parameters<TestChain["build"]>[2] = {},
  ): Promise<unknown> {
    const verifier = new ChainVerifier();
    expect(await verify(chain.bytes(), verifier)).toBe("verified");
    const block = await chain.build(transactions, signer, changes);
    return verify([blockBytes(block)], verifier);
  }

  it("verifies block by block, and says which comes next", async () => {
    const verifier = new ChainVerifier();
    for (const [n, bytes] of chain.bytes().entries()) {
      expect(verifier.next).toBe(n);
      expect((await verifier.add(bytes)).blockNumber).toBe(n);
    }
    expect(verifier.next).toBe(5);
  });

  it("does not verify when two blocks are swapped", async () => {
    const blocks = chain.bytes();
    const swapped = [0, 2, 1, 3, 4].map((n) => blocks[n] as Uint8Array);
    expect(await verify(swapped)).toEqual(wrongPlace(1));
  });

  it("does not verify when a block is dropped, wherever it stood", async () => {
    for (const n of [0, 1, 2, 3])
      expect(await verify(chain.bytes().toSpliced(n, 1)), `without block ${n}`).toEqual(wrongPlace(n));
  });

  it("does not verify when a block comes a second time", async () => {
    const blocks = chain.bytes();
    expect(await verify([...blocks, blocks[4] as Uint8Array])).toEqual(wrongPlace(5));
    expect(await verify([...blocks, blocks[0] as Uint8Array])).toEqual(wrongPlace(5));
  });

  it("takes no block of another number, predecessor, history or chain, though it is well signed", async () => {
    const transactions = [payment("next")];
    expect(await next(transactions)).toBe("verified");
    expect(await next(transactions, first, { blockNumber: 6 })).toEqual(wrongPlace(0));
    expect(await next(transactions, first, { previousHash: chain.blocks[3]?.hash ?? "" })).toEqual(
      wrongPlace(0),
    );
    expect(await next(transactions, first, { historyRoot: "0".repeat(64) })).toEqual(wrongPlace(0));
    expect(await next(transactions, first, { chainId: "vdc-other" })).toEqual(wrongPlace(0));
  });

  it("does not run backwards in time, and may stand still", async () => {
    const last = chain.blocks[4] as Block;
    expect(await next([payment("next")], first, { timestamp: last.timestamp })).toBe("verified");
    expect(await next([payment("next")], first, { timestamp: last.timestamp - 1 })).toEqual(wrongPlace(0));
  });

  it("holds no transaction twice: not in two blocks, not in one", async () => {
    expect(await next([payment("new"), payment("1a")])).toEqual(wrongPlace(0));
    expect(await next([payment("new"), payment("new")])).toEqual(wrongPlace(0));
    expect(await next([genesis(stranger, "vdc-other")])).toEqual(wrongPlace(0));
  });

  it("takes only keys that it has announced", async () => {
    expect(await next([payment("next")], stranger)).toEqual({ at: 0, fault: "unknown_key" });
    expect(await next([rotation(stranger)], stranger)).toEqual({ at: 0, fault: "unknown_key" });
  });

  it("goes on under a new key from the block after the one that announces it", async () => {
    const rotated = new TestChain();
    await rotated.add([genesis(first)], first);
    await rotated.add([payment("a")], first);
    const tooEarly = await rotated.build([payment("b")], second);
    expect(await verify([...rotated.bytes(), blockBytes(tooEarly)])).toEqual({ at: 2, fault: "unknown_key" });
    await rotated.add([rotation(second), payment("b")], first);
    await rotated.add([payment("c")], second);
    await rotated.add([payment("d")], second);
    expect(await verify(rotated.bytes())).toBe("verified");
    // Without the announcement the later blocks have no key.
    const without = rotated.bytes().toSpliced(2, 1);
    expect(await verify(without)).toEqual(wrongPlace(2));
  });

  it("begins with a genesis that holds its own announcement and nothing else", async () => {
    const empty = new TestChain();
    const beginnings: [string, readonly Transaction[], Parameters<TestChain["build"]>[2]][] = [
      ["a payment", [payment("a")], {}],
      ["a genesis with a payment", [genesis(first), payment("a")], {}],
      ["a payment with a genesis", [payment("a"), genesis(first)], {}],
      ["another chain's genesis", [genesis(first, "vdc-other")], {}],
      ["a genesis with a predecessor", [genesis(first)], { previousHash: "1".repeat(64) }],
      ["a genesis with a history", [genesis(first)], { historyRoot: "0".repeat(64) }],
      ["a genesis that is block 1", [genesis(first)], { blockNumber: 1 }],
    ];
    for (const [what, transactions, changes] of beginnings) {
      const block = await empty.build(transactions, first, changes);
      expect(await verify([blockBytes(block)]), what).toEqual(wrongPlace(0));
    }
    const unsigned = await empty.build([genesis(first)], stranger);
    expect(await verify([blockBytes(unsigned)])).toEqual({ at: 0, fault: "unknown_key" });
  });

  it("shares no block with a chain of another genesis", async () => {
    const other = new TestChain();
    await other.add([genesis(stranger)], stranger);
    const blocks = chain.bytes();
    expect(await verify([other.bytes()[0] as Uint8Array, ...blocks.slice(1)])).toEqual(wrongPlace(1));
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

    async function after(...transactions: Transaction[]): Promise<unknown> {
      return verify([...users.bytes(), blockBytes(await users.build(transactions, first))]);
    }

    it("lets an asset be created once, by whomever", async () => {
      for (const again of ["deed", "paid-deed"]) {
        const paid = { ...creation(again), id: payment("pays").id };
        expect(await after(paid)).toEqual(brokenRule(4));
        expect(await after(await signedBy(second, { ...creation(again), timestamp: 7 }))).toEqual(
          brokenRule(4),
        );
      }
      const twice = [await signedBy(second, creation("new")), await signedBy(stranger, creation("new"))];
      expect(await after(...twice)).toEqual(brokenRule(4));
      expect(await after(twice[1] as Transaction)).toBe("verified");
    });

    it("lets an asset be transferred by its present owner, and by nobody else", async () => {
      expect(await after(await signedBy(stranger, transfer("deed", first)))).toBe("verified");
      expect(await after(await signedBy(second, { ...transfer("deed", stranger), timestamp: 7 }))).toEqual(
        brokenRule(4),
      );
      expect(await after(await signedBy(first, transfer("deed", first)))).toEqual(brokenRule(4));
      expect(await after(await signedBy(second, transfer("unknown", first)))).toEqual(brokenRule(4));
      // No user's key owns an asset that a payment alone created, and neither does the system's.
      for (const signer of [first, second, stranger])
        expect(await after(await signedBy(signer, transfer("paid-deed", first)))).toEqual(brokenRule(4));
    });

    it("lets a user be registered once, by the key that is registered", async () => {
      expect(await after(await signedBy(stranger, registration(stranger)))).toBe("verified");
      expect(await after(await signedBy(stranger, registration(first)))).toEqual(brokenRule(4));
      expect(await after(await signedBy(second, { ...registration(second), timestamp: 7 }))).toEqual(
        brokenRule(4),
      );
    });

    it("applies its rules in the order of the block", async () => {
      const made = await signedBy(second, creation("new"));
      const given = await signedBy(second, transfer("new", stranger));
      const back = await signedBy(stranger, transfer("new", second));
      expect(await after(made, given, back)).toBe("verified");
      expect(await after(made, back, given)).toEqual(brokenRule(4));
      expect(await after(given, made)).toEqual(brokenRule(4));
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
