import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { CheckpointWorld } from "../../../support/chain/checkpoint-world.ts";
import { LogVerification } from "../../../support/chain/log-verification.ts";

const SIZE = 300; // a full tile, a partial one, and a tile of level 1
const OBJECTS = 9; // of each log three tiles and a checkpoint, and a bundle of transactions

let world: CheckpointWorld;
let verification: LogVerification;
let sound: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

const objects = () =>
  new Map(world.bucket.keys().map((key) => [key, world.bucket.bytes(key) ?? new Uint8Array()]));
const alter = (key: string) =>
  world.bucket.set(
    key,
    (sound.get(key) ?? new Uint8Array()).map((b) => b ^ 1),
  );
const evidence = () => world.bucket.keys().filter((key) => key.startsWith("evidence/"));

beforeAll(async () => {
  world = await CheckpointWorld.of(SIZE);
  await world.publish(SIZE);
  sound = objects();
});
beforeEach(async () => {
  await world.bucket.delete(world.bucket.keys());
  for (const [key, bytes] of sound) world.bucket.set(key, bytes);
  verification = new LogVerification(world);
});

/** The objects of both logs that the shown checkpoint needs. */
const NEEDED = [
  "log/tile/0/000",
  "log/tile/0/001.p/44",
  "log/tile/1/000.p/1",
  `log/checkpoints/${SIZE}`,
  "log/tx/tile/0/000",
  "log/tx/tile/0/001.p/44",
  "log/tx/tile/1/000.p/1",
  "log/tx/tile/entries/000",
  `log/tx/checkpoints/${SIZE}`,
];

describe("the logs' objects", () => {
  it("are checked, and sound ones stay as they are", async () => {
    const puts: string[] = [];
    world.before = (call) => void (call.startsWith("R2 put") && puts.push(call));
    expect(await verification.verify()).toMatchObject({ checked: OBJECTS, restored: 0, failed: 0 });
    world.before = () => {};
    expect(puts).toEqual([]);
  });

  it.for(NEEDED)("are made anew when R2 has lost %s", async (key) => {
    await world.bucket.delete(key);
    expect(await verification.verify({ repair: false })).toMatchObject({ checked: OBJECTS, restored: 0 });
    expect(world.bucket.bytes(key)).toBeUndefined();
    expect(await verification.verify()).toMatchObject({ checked: OBJECTS, restored: 1, failed: 0 });
    expect(objects()).toEqual(sound);
  });

  it.for(NEEDED)("are made anew when %s was altered, and the wrong bytes are kept", async (key) => {
    alter(key);
    const wrong = world.bucket.bytes(key);
    expect((await verification.verify({ repair: false })).failed).toBeGreaterThan(0);
    expect(evidence()).toEqual([]);
    expect(await verification.verify()).toMatchObject({ checked: OBJECTS, restored: 1, failed: 0 });
    const [kept = "", ...others] = evidence();
    expect(others).toEqual([]);
    expect(kept).toMatch(new RegExp(`^evidence/${key}-[0-9a-f]{64}$`));
    expect(world.bucket.bytes(kept)).toEqual(wrong);
    await world.bucket.delete(kept);
    expect(objects()).toEqual(sound);
  });

  it.for(NEEDED)("are made anew when other bytes than those of a log are under %s", async (key) => {
    world.bucket.set(key, utf8("damaged"));
    expect((await verification.verify({ repair: false })).failed).toBeGreaterThan(0);
    expect(await verification.verify()).toMatchObject({ restored: 1, failed: 0 });
    expect(world.bucket.bytes(key)).toEqual(sound.get(key));
  });

  it("are made anew when R2 has lost all of them", async () => {
    await world.bucket.delete(NEEDED);
    expect(await verification.verify()).toMatchObject({ restored: OBJECTS, failed: 0 });
    expect(objects()).toEqual(sound);
  });

  it("stay when a block of theirs is lost, and nothing is made of doubtful tiles", async () => {
    await world.bucket.delete([r2Keys.block(3), "log/tx/tile/0/000", "log/tx/tile/1/000.p/1"]);
    expect(await verification.verify()).toMatchObject({ checked: OBJECTS, restored: 0, failed: 4 });
    expect(world.bucket.keys()).not.toContain("log/tx/tile/1/000.p/1");
    world.bucket.set(r2Keys.block(3), sound.get(r2Keys.block(3)) ?? new Uint8Array());
    expect(await verification.verify()).toMatchObject({ restored: 2, failed: 0 });
    expect(objects()).toEqual(sound);
  });

  it("keep a sound tile whose tiles below can't be told", async () => {
    alter("log/tx/tile/0/000");
    await world.bucket.delete(r2Keys.block(3));
    expect((await verification.verify()).restored).toBe(0);
    expect(world.bucket.bytes("log/tx/tile/1/000.p/1")).toEqual(sound.get("log/tx/tile/1/000.p/1"));
  });

  it("keep an earlier note of the same tree that the log signed", async () => {
    const key = r2Keys.logCheckpoint(r2Keys.logPrefix, SIZE);
    const lines = world.bucket.text(key).trimEnd().split("\n");
    world.bucket.set(key, utf8(`${lines.slice(0, -1).join("\n")}\n`)); // without the second signature
    expect(await verification.verify()).toMatchObject({ restored: 0, failed: 0 });
  });

  it("get no checkpoint that the tiles do not lead to", async () => {
    const [one, other] = ["log/checkpoints/300", "log/checkpoints/200"];
    const forged = world.chain;
    const key = r2Keys.logCheckpoint(r2Keys.logPrefix, SIZE);
    await world.bucket.delete(key);
    const { hash } = forged[7]?.block ?? { hash: "" };
    Object.assign(forged[7]?.block ?? {}, { hash: forged[8]?.block.hash });
    const log = await verification.verify();
    Object.assign(forged[7]?.block ?? {}, { hash });
    expect(log.failed).toBe(1);
    expect(world.bucket.keys()).not.toContain(one);
    expect(world.bucket.keys()).toContain(other);
  });

  it("are counted once when a message comes twice", async () => {
    const run = verification.begin();
    const once = await verification.chunk(run);
    expect(await verification.chunk(run)).toEqual(once);
  });

  it("have no parts while no checkpoint is shown", async () => {
    const empty = await CheckpointWorld.of(1);
    expect(await new LogVerification(empty).verify()).toEqual({
      total: 0,
      next: 0,
      checked: 0,
      restored: 0,
      failed: 0,
    });
  });

  it("are verified with the blocks of a rolling run, without the tiles above them", async () => {
    await world.bucket.delete(["log/tile/0/000", "log/tx/tile/entries/000", "log/tile/0/001.p/44"]);
    expect(await verification.verify({ rolling: 10 })).toMatchObject({ checked: 5, restored: 2, failed: 1 });
    expect(world.bucket.keys()).toContain("log/tile/0/000");
    expect(world.bucket.keys()).not.toContain("log/tile/0/001.p/44");
  });

  it("cost a bounded number of reads for each message", async () => {
    let run = verification.begin();
    while (run.log.total === null || run.log.next < run.log.total) {
      let reads = 0;
      world.before = () => void reads++;
      run = await verification.chunk(run);
      expect(reads).toBeLessThan(800);
    }
    world.before = () => {};
  });
});
