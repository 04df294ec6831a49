import { describe, expect, it } from "vitest";
import { blockNames, importersDirectory, ourDirectory } from "./directories.ts";

/** Long names, so that few of them split a directory. */
function longNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${n}${"é".repeat(600)}`);
}

describe("a directory", () => {
  it.for([1, 10, 300])("is one node, the importer's, for %d blocks", async (count) => {
    const parts = await ourDirectory(blockNames(count));
    expect(parts).toHaveLength(1);
    expect(parts).toEqual(await importersDirectory(blockNames(count)));
  });

  it.for([212, 213, 2_000])("has the importer's parts in its order for %d long names", async (count) => {
    const parts = await ourDirectory(longNames(count));
    expect(parts).toEqual(await importersDirectory(longNames(count)));
    expect(parts.length > 1).toBe(count > 212);
  });

  it("does not depend on the order of its entries", async () => {
    const names = longNames(300);
    expect(await ourDirectory(names.toReversed())).toEqual(await ourDirectory(names));
  });

  it("refuses the same name twice", async () => {
    await expect(ourDirectory(["0.json", "0.json"])).rejects.toThrow("UNIQUE");
  });
});
