import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes, type Block, type BlockFault } from "../../../shared/chain/block.ts";
import type { SigningKey } from "../../../shared/chain/transaction.ts";
import { verifySealed } from "../../../workers/tier-persister/verify-sealed.ts";
import {
  announced,
  CHAIN_ID,
  genesis,
  payment,
  rotation,
  signerOf,
  TestChain,
  type Signer,
} from "../../support/chain.ts";

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

const noted = (key: SigningKey, announcedIn: number) => ({
  ...key,
  announcedIn,
  firstBlock: null,
  lastBlock: null,
});
const keys = () => [noted(announced(system), 0), noted(announced(next), 1)];

/** @param signingKeys what the chain head has noted */
const judged = (block: Block, signingKeys = keys(), facts: Partial<Block> = {}) =>
  verifySealed(blockBytes(block), { ...block, ...facts }, { chainId: CHAIN_ID, signingKeys });

async function expectRefused(judgement: Promise<Block>, fault: BlockFault): Promise<void> {
  await expect(judgement).rejects.toMatchObject({ name: "InvalidBlock", fault });
}

describe("a sealed block", () => {
  it("goes out as the chain's keys signed it: genesis, one that announces a key, and one that this key signs", async () => {
    for (const block of chain.blocks) expect(await judged(block)).toEqual(block);
    expect(chain.blocks).toHaveLength(3);
  });

  it("does not when an intruder signed it, whether or not he had his key noted for this very block", async () => {
    const forged = await chain.build([payment("c")], intruder);
    await expectRefused(judged(forged), "unknown_key");
    await expectRefused(judged(forged, [...keys(), noted(announced(intruder), 3)]), "unknown_key");
    const announcing = await chain.build([rotation(intruder)], intruder);
    await expectRefused(judged(announcing, [...keys(), noted(announced(intruder), 3)]), "unknown_key");
  });

  it("does not when a key was noted that it does not announce: with that, the block after it could be forged", async () => {
    const sound = await chain.build([payment("c")], next);
    expect(await judged(sound)).toEqual(sound);
    await expectRefused(judged(sound, [...keys(), noted(announced(intruder), 3)]), "unknown_key");
    const rotating = await chain.build([rotation(intruder)], next);
    await expectRefused(judged(rotating), "unknown_key");
    const other = { ...announced(intruder), publicKey: announced(system).publicKey };
    await expectRefused(judged(rotating, [...keys(), noted(other, 3)]), "unknown_key");
  });

  it("does not in another place than the chain head gave it, nor as another than it sealed", async () => {
    const block = chain.blocks[2]!;
    const other = "0".repeat(64);
    for (const facts of [
      { blockNumber: 3 },
      { previousHash: other },
      { historyRoot: other },
      { hash: other },
    ])
      await expectRefused(judged(block, keys(), facts), "wrong_place");
    const foreign = await chain.build([payment("d")], next, { chainId: "another" });
    await expectRefused(judged(foreign), "wrong_place");
  });

  it("does not with a signature that was changed, or that is none of a user's", async () => {
    const block = await chain.build([payment("e")], next);
    const { signature } = chain.blocks[2]!.blockSignature;
    const changed = { ...block, blockSignature: { ...block.blockSignature, signature } };
    await expectRefused(judged(changed), "wrong_signature");
  });
});
