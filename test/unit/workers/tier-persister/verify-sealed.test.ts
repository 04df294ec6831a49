import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, type Block, type BlockFault } from "../../../../shared/chain/block.ts";
import { cidV0 } from "../../../../shared/crypto/cid.ts";
import type { Revocation } from "../../../../shared/chain/signing-keys.ts";
import type { KnownKey } from "../../../../workers/chain-head/decisions/signing-keys.ts";
import { verifySealed } from "../../../../workers/tier-persister/verify-sealed.ts";
import {
  CHAIN_ID,
  chainKeys,
  genesis,
  payment,
  revocation,
  rotation,
  signerOf,
  TestChain,
  type Signer,
} from "../../../support/chain/chain.ts";

let system: Signer;
let next: Signer;
let intruder: Signer;
const chain = new TestChain();
beforeAll(async () => {
  [system, next, intruder] = await Promise.all([signerOf("system"), signerOf("next"), signerOf("intruder")]);
  await chain.add([genesis(system)], system);
  await chain.add([rotation(next), payment("a")], system);
  await chain.add([payment("b")], next);
});

/** Returns the chain head's notes on keys, with the blocks that announce them. */
function noted(...keys: readonly (readonly [Signer, number])[]): KnownKey[] {
  return chainKeys(...keys).map((key) => ({ ...key, firstBlock: null, lastBlock: null }));
}
const keys = (...more: readonly (readonly [Signer, number])[]) => noted([system, 0], [next, 1], ...more);

/** @param signingKeys the chain head's notes on keys */
async function judged(block: Block, signingKeys = keys(), facts: Partial<Block & { cid: string }> = {}) {
  const bytes = blockBytes(block);
  const place = { ...block, cid: await cidV0(bytes), ...facts };
  return verifySealed(bytes, place, { chainId: CHAIN_ID, signingKeys });
}

async function expectRefused(judgement: Promise<Block>, fault: BlockFault): Promise<void> {
  await expect(judgement).rejects.toMatchObject({ name: "InvalidBlock", fault });
}

describe("a sealed block", () => {
  it("goes out as the chain's keys signed it: genesis, one that announces a key, and one that this key signs", async () => {
    for (const block of chain.blocks) expect(await judged(block)).toEqual(block);
    expect(chain.blocks).toHaveLength(3);
  });

  it("does not go out when an intruder signed it, whether or not he had his key noted for this very block [T43]", async () => {
    const forged = await chain.build([payment("c")], intruder);
    await expectRefused(judged(forged), "unknown_key");
    await expectRefused(judged(forged, keys([intruder, 3])), "unknown_key");
    const announcing = await chain.build([rotation(intruder)], intruder);
    await expectRefused(judged(announcing, keys([intruder, 3])), "unknown_key");
  });

  it("does not go out when a key was noted that it does not announce: with that, the block after it could be forged [T43]", async () => {
    const sound = await chain.build([payment("c")], next);
    expect(await judged(sound)).toEqual(sound);
    await expectRefused(judged(sound, keys([intruder, 3])), "unknown_key");
    const rotating = await chain.build([rotation(intruder)], next);
    await expectRefused(judged(rotating), "unknown_key");
    const other = { ...intruder, publicKey: system.publicKey };
    await expectRefused(judged(rotating, keys([other, 3])), "unknown_key");
  });

  it("does not go out when a retired key signed it", async () => {
    const late = await chain.build([payment("c")], system);
    await expectRefused(judged(late), "retired_key");
  });

  it("does not go out when it revokes a key of which the chain head noted something else, or nothing", async () => {
    const block = await chain.build([revocation(system, 1)], next);
    const [first, ...rest] = keys() as [KnownKey, ...KnownKey[]];
    const said = (of: Partial<Revocation> = {}) => [
      { ...first, revocation: { fromBlock: 1, reason: "stolen", blockNumber: 3, ...of } },
      ...rest,
    ];
    expect(await judged(block, said())).toEqual(block);
    expect(await judged(block, said({ fromBlock: 0, blockNumber: 7 }))).toEqual(block); // a later revocation widens it
    const others = [keys(), said({ fromBlock: 0 }), said({ reason: "lost" }), said({ blockNumber: 7 })];
    for (const other of others) await expectRefused(judged(block, other), "broken_rule");
    const silent = await chain.build([payment("c")], next);
    await expectRefused(judged(silent, said()), "broken_rule");
    expect(await judged(silent, said({ blockNumber: 2 }))).toEqual(silent);
  });

  it("does not go out in another place than the chain head gave it, nor as another than it sealed", async () => {
    const block = chain.blocks[2]!;
    const other = "0".repeat(64);
    const otherCid = await cidV0(new Uint8Array(1));
    for (const facts of [
      { blockNumber: 3 },
      { previousHash: other },
      { previousCid: otherCid },
      { previousCid: null },
      { cid: otherCid },
      { historyRoot: other },
      { hash: other },
    ])
      await expectRefused(judged(block, keys(), facts), "wrong_place");
    const foreign = await chain.build([payment("d")], next, { chainId: "another" });
    await expectRefused(judged(foreign), "wrong_place");
  });

  it("does not go out with a signature that was changed, or that is none of a user's", async () => {
    const block = await chain.build([payment("e")], next);
    const { signature } = chain.blocks[2]!.blockSignature;
    const changed = { ...block, blockSignature: { ...block.blockSignature, signature } };
    await expectRefused(judged(changed), "wrong_signature");
  });
});
