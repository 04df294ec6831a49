import { beforeEach, describe, expect, it } from "vitest";
import { SEALED_NAMES } from "../../../../shared/chain/sealed-names.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import {
  archiveBytes,
  archiveIn,
  eraseFromArchive,
  restoreArchive,
  type PrivateArchive,
} from "../../../../shared/storage/private-archive.ts";
import { txId } from "../../../support/chain/chain-head.ts";
import { MemoryBucket } from "../../../support/stack/memory-bucket.ts";

const KEY = r2Keys.private(7);

/** An envelope of the shape that the system seals; nobody can open it. */
const envelope = (n: number) => ({
  v: 1,
  suite: "HPKE-0041-0001-0002",
  kid: "0".repeat(64),
  txId: SEALED_NAMES.transaction(txId(n)),
  enc: "A".repeat(1_451),
  ct: "A".repeat(22),
});

const archiveOf = (numbers: readonly number[], erased: readonly number[] = []): PrivateArchive => ({
  blockNumber: 7,
  envelopes: Object.fromEntries(numbers.map((n) => [txId(n), envelope(n)])),
  missing: [],
  ...(erased.length > 0 && { erased: erased.map((n) => txId(n)) }),
});

let memory: MemoryBucket;
let bucket: R2Bucket;
beforeEach(() => {
  memory = new MemoryBucket();
  bucket = memory as unknown as R2Bucket;
});

const present = () => archiveIn(memory.bytes(KEY) ?? new Uint8Array());

/** Does `work` once, right before the first call of this name. */
function onceBefore(name: string, work: () => Promise<unknown> | void): void {
  memory.before = async (call) => {
    if (call !== name) return;
    memory.before = () => {};
    await work();
  };
}

describe("an archive of private parts that is restored", () => {
  it("is put where R2 has none, and the second time nothing is written", async () => {
    expect(await restoreArchive(bucket, archiveOf([1, 2]))).toBe(true);
    expect(present()).toEqual(archiveOf([1, 2]));
    expect(await restoreArchive(bucket, archiveOf([1, 2]))).toBe(false);
  });

  it("completes what R2 has, and overwrites nothing that is sound", async () => {
    const other = { ...envelope(1), ct: "B".repeat(22) };
    memory.set(KEY, archiveBytes({ ...archiveOf([]), envelopes: { [txId(1)]: other }, missing: [txId(2)] }));
    expect(await restoreArchive(bucket, archiveOf([1, 2]))).toBe(true);
    expect(present()).toEqual({
      ...archiveOf([]),
      envelopes: { [txId(1)]: other, [txId(2)]: envelope(2) },
    });
  });

  it("replaces bytes that are no archive", async () => {
    memory.set(KEY, utf8("rubbish"));
    expect(await restoreArchive(bucket, archiveOf([1]))).toBe(true);
    expect(present()).toEqual(archiveOf([1]));
  });

  it.for(["get", "put"])(
    "holds what both copies hold when two are brought at once: before %s",
    async (at) => {
      onceBefore(at, () => restoreArchive(bucket, archiveOf([2, 3])));
      expect(await restoreArchive(bucket, archiveOf([1, 2]))).toBe(true);
      expect(present()).toEqual(archiveOf([1, 2, 3]));
    },
  );

  it("holds what both copies hold when two complete the same archive at once", async () => {
    memory.set(KEY, archiveBytes(archiveOf([4])));
    const outcomes = await Promise.all([
      restoreArchive(bucket, archiveOf([1, 2])),
      restoreArchive(bucket, archiveOf([2, 3])),
    ]);
    expect(outcomes).toEqual([true, true]);
    expect(present()).toEqual(archiveOf([1, 2, 3, 4]));
  });

  it.for([
    ["none", "get"],
    ["none", "put"],
    ["one that lacks it", "get"],
    ["one that lacks it", "put"],
  ])("leaves out what is erased meanwhile: R2 has %s, erased before %s", async ([has, at = ""]) => {
    if (has !== "none") memory.set(KEY, archiveBytes(archiveOf([2])));
    onceBefore(at, () => eraseFromArchive(bucket, 7, txId(1)));
    await restoreArchive(bucket, archiveOf([1, 2]));
    expect(present()).toEqual(archiveOf([2], [1]));
  });

  it.for(["get", "put"])("loses what is erased while it is restored: restored before %s", async (at) => {
    onceBefore(at, () => restoreArchive(bucket, archiveOf([1, 2])));
    await eraseFromArchive(bucket, 7, txId(1));
    expect(present()).toEqual(archiveOf([2], [1]));
  });

  it("is an error, and no success, when R2 changes all the time", async () => {
    let changes = 0;
    memory.set(KEY, archiveBytes(archiveOf([9])));
    memory.before = (call) => {
      if (call === "put") memory.set(KEY, archiveBytes(archiveOf([9, 10 + (changes++ % 2)])));
    };
    await expect(restoreArchive(bucket, archiveOf([1]))).rejects.toThrow("changed all the time");
    expect(present()?.envelopes).not.toHaveProperty(txId(1));
  });
});
