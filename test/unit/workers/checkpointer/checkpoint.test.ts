import { describe, expect, it } from "vitest";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { RetryLater } from "../../../../shared/runtime/errors.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { parseEntryBundle } from "../../../../shared/tlog/entries.ts";
import { generateLogKeyring } from "../../../../shared/tlog/log-keyring.ts";
import { parseVkey } from "../../../../shared/tlog/vkey.ts";
import { verifyConsistency } from "../../../../shared/chain/merkle.ts";
import { TileTree } from "../../../../shared/tlog/tile-tree.ts";
import { tilePath } from "../../../../shared/tlog/tiles.ts";
import { signersOf } from "../../../../workers/checkpointer/env.ts";
import { CheckpointWorld } from "../../../support/chain/checkpoint-world.ts";
import { TestLogHead } from "../../../support/chain/log-head.ts";
import { entriesOf, openStored } from "../../../support/chain/published-log.ts";

/** Opens both checkpoints of this size and compares them with the chain's blocks. */
async function openBoth(world: CheckpointWorld, size: number) {
  const entries = entriesOf(world.chain.slice(0, size).map(({ block }) => block));
  const signers = await signersOf(world.env);
  const r2 = world.env.R2;
  return {
    blocks: await openStored(r2, r2Keys.logPrefix, entries.blocks, signers.blocks.vkeys.map(parseVkey)),
    transactions: await openStored(
      r2,
      r2Keys.transactionLogPrefix,
      entries.transactions,
      signers.transactions.vkeys.map(parseVkey),
    ),
  };
}

describe("a checkpoint", () => {
  it("waits until the block key has endorsed the log's keys", async () => {
    const world = await CheckpointWorld.of(1);
    world.published = 1;
    await expect(world.checkpoint()).rejects.toThrow(RetryLater);
    expect(world.asked).toBe(1);
    expect(world.bucket.keys().filter((key) => key.startsWith("log/"))).toEqual([]);
    await world.endorse();
    await world.checkpoint();
    expect(world.head.facts().shown?.size).toBe(1);
  });

  it("covers what is published, and nothing else", async () => {
    const world = await CheckpointWorld.of(5);
    await world.publish(3);
    await openBoth(world, 3);
    expect(world.bucket.keys()).not.toContain(r2Keys.logCheckpoint(r2Keys.logPrefix, 4));
    expect(world.told).toEqual([3]);
  });

  it("costs four writes to R2 when no tile fills up", async () => {
    const world = await CheckpointWorld.of(2);
    await world.publish(1);
    const writes: string[] = [];
    world.before = (call) => void (call.startsWith("R2 put") && writes.push(call));
    await world.publish(2);
    expect(writes).toEqual([
      "R2 put log/tile/0/000.p/2",
      "R2 put log/checkpoints/2",
      "R2 put log/tx/tile/0/000.p/2",
      "R2 put log/tx/checkpoints/2",
    ]);
  });

  it("begins with each earlier one", async () => {
    const world = await CheckpointWorld.of(6);
    const roots: Uint8Array[] = [];
    for (let size = 1; size <= 6; size++) {
      await world.publish(size);
      const { blocks } = await openBoth(world, size);
      roots.push(blocks.checkpoint.root);
    }
    const tree = new TileTree(
      6,
      async (tile) => world.bucket.bytes(`log/${tilePath(tile)}`) ?? new Uint8Array(),
    );
    for (let firstSize = 1; firstSize <= 6; firstSize++)
      expect(
        verifyConsistency({
          firstSize,
          secondSize: 6,
          firstRoot: roots[firstSize - 1] ?? new Uint8Array(),
          secondRoot: roots[5] ?? new Uint8Array(),
          proof: await tree.consistencyProof(firstSize),
        }),
      ).toBe(true);
  });

  it("fills tiles and entry bundles of 256, in portions of 100 blocks", async () => {
    const world = await CheckpointWorld.of(300);
    await world.publish(250);
    expect(world.told).toEqual([100, 200, 250]);
    await world.publish(300);
    await openBoth(world, 300);
    const { transactions } = entriesOf(world.chain.map(({ block }) => block));
    const bundle = world.bucket.bytes("log/tx/tile/entries/000");
    expect(parseEntryBundle(bundle ?? new Uint8Array(), 256)).toEqual(transactions.slice(0, 256));
    expect(world.bucket.keys()).toEqual(expect.arrayContaining(["log/tile/0/000", "log/tile/1/000.p/1"]));
  });

  it("publishes the committed notes again after a crash at any write", async () => {
    const calls: string[] = [];
    const counted = await CheckpointWorld.of(2);
    await counted.publish(1);
    counted.before = (call) => void (!call.startsWith("R2 get") && calls.push(call));
    await counted.publish(2);
    for (const crash of calls.keys()) {
      const world = await CheckpointWorld.of(2);
      await world.publish(1);
      let at = 0;
      world.before = (call) => {
        if (!call.startsWith("R2 get") && at++ === crash) throw new Error("the Worker died");
      };
      world.published = 2;
      await expect(world.checkpoint(), calls[crash]).rejects.toThrow("the Worker died");
      const { committed } = world.head.facts();
      world.before = () => {};
      await world.checkpoint();
      await openBoth(world, 2);
      const { shown } = world.head.facts();
      expect(shown?.size).toBe(2);
      if (committed?.size === 2) expect(shown).toEqual(committed);
      expect(world.bucket.text(r2Keys.logCheckpoint(r2Keys.logPrefix, 2))).toBe(shown?.blocks);
      expect(world.told.at(-1)).toBe(2);
    }
  });

  it("gets the first notes of a size back when another checkpointer was faster", async () => {
    const world = await CheckpointWorld.of(1);
    await world.publish(1);
    const first = world.head.facts().committed;
    if (first === null) throw new Error("nothing is committed");
    expect(world.head.commit({ ...first, blocks: "another note" })).toEqual(first);
    expect(world.head.commit({ ...first, size: 0 })).toEqual(first);
  });

  it("is not made while the chain is halted", async () => {
    const world = await CheckpointWorld.of(2);
    await world.publish(1);
    world.halted = true;
    world.published = 2;
    await expect(world.checkpoint()).rejects.toThrow(RetryLater);
    expect(world.head.facts().committed?.size).toBe(1);
  });

  it("halts the chain when R2 holds a tile of other hashes [T90]", async () => {
    const world = await CheckpointWorld.of(2);
    await world.publish(1);
    world.bucket.set("log/tile/0/000.p/2", new Uint8Array(64));
    world.published = 2;
    await expect(world.checkpoint()).rejects.toThrow("other bytes");
    expect(world.halted).toBe(true);
    expect(world.head.facts().shown?.size).toBe(1);
  });

  it("halts the chain when R2 holds a checkpoint of another tree [T90]", async () => {
    const [world, other] = [await CheckpointWorld.of(2), await CheckpointWorld.of(2)];
    await other.publish(2);
    await world.publish(1);
    const key = r2Keys.logCheckpoint(r2Keys.logPrefix, 2);
    world.bucket.set(key, utf8(other.bucket.text(key)));
    world.published = 2;
    await expect(world.checkpoint()).rejects.toThrow("another tree");
    expect(world.halted).toBe(true);
  });

  it("begins anew over the same objects when the log head lost its storage", async () => {
    const world = await CheckpointWorld.of(3);
    await world.publish(2);
    const earlier = world.bucket.text(r2Keys.logCheckpoint(r2Keys.logPrefix, 2));
    world.head = new TestLogHead();
    await world.publish(2);
    expect(world.bucket.text(r2Keys.logCheckpoint(r2Keys.logPrefix, 2))).toBe(earlier);
    expect(world.halted).toBe(false);
    await world.publish(3);
    await openBoth(world, 3);
  });

  it("does not cover a block that R2 does not hold as it was sealed", async () => {
    const world = await CheckpointWorld.of(2);
    await world.publish(1);
    world.bucket.set(r2Keys.block(1), utf8("{}"));
    world.published = 2;
    await expect(world.checkpoint()).rejects.toThrow("verify its storage");
    expect(world.head.facts().committed?.size).toBe(1);
  });
});

describe("the log's keys", () => {
  it("are endorsed anew when they change, for the sizes from then on", async () => {
    const world = await CheckpointWorld.of(3);
    await world.publish(2);
    world.logKeyring = generateLogKeyring();
    world.published = 3;
    await expect(world.checkpoint()).rejects.toThrow(RetryLater);
    await world.endorse();
    await world.checkpoint();
    const { endorsements } = world.head.facts();
    expect(endorsements.map(({ fromSize }) => fromSize)).toEqual([0, 2]);
    const opened = await openBoth(world, 3);
    expect(opened.blocks.signatures).toHaveLength(2);
  });

  it("are refused for another origin than that of the first checkpoint", async () => {
    const world = await CheckpointWorld.of(1);
    await world.publish(1);
    const [endorsement] = world.head.facts().endorsements;
    if (endorsement === undefined) throw new Error("there is no endorsement");
    expect(() => world.head.registerKeys({ ...endorsement, origin: "vdc.test/other" })).toThrow(
      "since it began",
    );
  });

  it("that no longer wait are not endorsed by a late answer", async () => {
    const world = await CheckpointWorld.of(1);
    world.published = 1;
    await expect(world.checkpoint()).rejects.toThrow(RetryLater);
    const endorsement = await world.endorse();
    if (endorsement === undefined) throw new Error("no keys wait");
    world.head.endorsed(endorsement);
    expect(world.head.facts().endorsements).toHaveLength(1);
  });
});
