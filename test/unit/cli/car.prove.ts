import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ChainCar } from "../../../cli/car/read.ts";
import { writeCar, type ChainFile } from "../../../cli/car/write.ts";
import { verifyChain } from "../../../cli/chain/verify.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { asFiles, chainOf, scratch } from "./chains.ts";

describe("a long exported chain", () => {
  it("takes little memory at a time with 2,000 blocks", async () => {
    const long = await chainOf(2_000);
    const file = join(scratch(), "chain.car");
    const before = process.memoryUsage().rss;
    expect((await writeCar(file, asFiles(long))).blocks).toBe(2_000);
    expect(await readHashes(file)).toEqual(long.map(({ hash }) => hash));
    expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
  });

  it("may be so long that IPFS splits its directory", async () => {
    const file = join(scratch(), "chain.car");
    const count = 7_000; // 256 KiB of links are reached before
    await writeCar(file, smallFiles(count));
    const car = await ChainCar.open(file);
    expect(car.count).toBe(count);
    let n = 0;
    for await (const { bytes } of car.blocks()) expect(bytes).toEqual(utf8(`{"n":${n++}}`));
    await car.close();
  });
});

async function readHashes(file: string): Promise<string[]> {
  const car = await ChainCar.open(file);
  const hashes: string[] = [];
  for await (const { block } of verifyChain(car.blocks())) hashes.push(block.hash);
  await car.close();
  return hashes;
}

async function* smallFiles(count: number): AsyncGenerator<ChainFile> {
  for (let n = 0; n < count; n++) yield { blockNumber: n, bytes: utf8(`{"n":${n}}`) };
}
