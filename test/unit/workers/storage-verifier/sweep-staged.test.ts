import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import type { Log } from "../../../../shared/runtime/log.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import type { Env } from "../../../../workers/storage-verifier/env.ts";
import { sweepStaged } from "../../../../workers/storage-verifier/restore/sweep-staged.ts";
import { listed } from "../../../support/stack/memory-bucket.ts";

const NOW = 1_800_000_000_000;
const LONG_AGO = NOW - 2 * 3_600_000;
const BYTES = utf8("the block as it was sealed");
const SEALED = r2Keys.sealed(7, sha256Hex(BYTES));
const LOST = r2Keys.sealed(7, "f".repeat(64));
const silent: Log = { info() {}, warn() {}, error() {}, with: () => silent };

let state: string;
let halted: boolean;
/** The number of calls of the chain head. */
let asked: number;
let objects: Map<string, { bytes: Uint8Array<ArrayBuffer>; uploaded: Date }>;

function stage(key: string, uploaded = LONG_AGO, bytes = BYTES): void {
  objects.set(key, { bytes, uploaded: new Date(uploaded) });
}

const env = {
  CHAIN_ID: "vdc-test",
  CHAIN_HEAD: {
    getByName: () => ({
      block: async (blockNumber: number) =>
        ++asked && blockNumber === 7 ? { blockNumber, state, halted, sha256: sha256Hex(BYTES) } : null,
    }),
  },
  R2: {
    list: async (options: R2ListOptions) => listed(objects, options),
    get: async (key: string) => {
      const object = objects.get(key);
      return object ? { arrayBuffer: async () => object.bytes.buffer } : null;
    },
    delete: async (keys: string[]) => keys.forEach((key) => objects.delete(key)),
  },
} as unknown as Env;

async function keysAfterSweep(): Promise<string[]> {
  await sweepStaged(env, silent, NOW);
  return [...objects.keys()];
}

describe("the sweep of staged bytes", () => {
  beforeEach(() => {
    state = "complete";
    halted = false;
    asked = 0;
    objects = new Map();
  });

  it("deletes those of an attempt that lost, once the block is complete", async () => {
    stage(LOST);
    expect(await keysAfterSweep()).toEqual([]);
  });

  it("deletes the block's own that landed late, when the archive holds the same bytes", async () => {
    stage(SEALED);
    stage(r2Keys.block(7));
    expect(await keysAfterSweep()).toEqual([r2Keys.block(7)]);
  });

  it("leaves the block's own while the archive has lost them, or holds others", async () => {
    stage(SEALED);
    expect(await keysAfterSweep()).toEqual([SEALED]);
    stage(r2Keys.block(7), LONG_AGO, utf8("other bytes"));
    expect(await keysAfterSweep()).toEqual([SEALED, r2Keys.block(7)]);
  });

  it.each(["sealed", "persisted", "indexed"])("leaves all of a block that is only %s", async (reached) => {
    state = reached;
    stage(LOST);
    expect(await keysAfterSweep()).toEqual([LOST]);
  });

  it("leaves all while the chain is being restored or is halted: a block that counts as complete may have to be cleaned again", async () => {
    halted = true;
    stage(SEALED);
    stage(LOST);
    stage(r2Keys.block(7));
    expect(await keysAfterSweep()).toEqual([SEALED, LOST, r2Keys.block(7)]);
  });

  it("looks at a few, however many blocks were brought for a restore, and comes to each in time", async () => {
    for (let blockNumber = 100; blockNumber < 1_100; blockNumber++)
      stage(r2Keys.sealed(blockNumber, "f".repeat(64)));
    stage(LOST);
    await sweepStaged(env, silent, NOW, "1");
    expect(asked).toBe(200);
    expect([...objects.keys()]).toContain(LOST);
    await sweepStaged(env, silent, NOW, "698");
    expect([...objects.keys()]).not.toContain(LOST);
  });

  it("leaves what was staged within the hour, and what belongs to no block that the chain head knows", async () => {
    stage(LOST, NOW - 60_000);
    stage(r2Keys.sealed(8, "f".repeat(64)));
    expect(await keysAfterSweep()).toEqual([LOST, r2Keys.sealed(8, "f".repeat(64))]);
  });
});
