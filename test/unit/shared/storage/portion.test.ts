import { describe, expect, it } from "vitest";
import { r2Portion } from "../../../../shared/storage/pages.ts";
import { MemoryBucket } from "../../../support/stack/memory-bucket.ts";

const bucket = new MemoryBucket();
const KEYS = Array.from({ length: 10 }, (_, n) => `sealed/${n}`);
for (const key of [...KEYS, "pending/5", "tokens/5"]) bucket.set(key, new Uint8Array(1));

const portion = async (place: string, most: number) =>
  (await r2Portion(bucket as unknown as R2Bucket, { prefix: "sealed/", place, most })).map(({ key }) => key);

describe("a portion of the objects with a prefix", () => {
  it("begins behind its place, and holds no more than it may", async () => {
    expect(await portion("3", 4)).toEqual(["sealed/4", "sealed/5", "sealed/6", "sealed/7"]);
    expect(await portion("5", 4)).toEqual(["sealed/6", "sealed/7", "sealed/8", "sealed/9"]);
  });

  it("goes on at the beginning when it comes to the end, and shows nothing twice", async () => {
    expect(await portion("7", 4)).toEqual(["sealed/8", "sealed/9", "sealed/0", "sealed/1"]);
    expect(await portion("99", 3)).toEqual(["sealed/0", "sealed/1", "sealed/2"]);
    for (const place of ["", "0", "55", "9", "x"])
      expect((await portion(place, 20)).toSorted()).toEqual(KEYS);
  });
});
