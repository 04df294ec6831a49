import { describe, expect, it } from "vitest";
import { blockNames, importersDirectory, ourDirectory } from "./directories.ts";

describe("the directory of a long chain", () => {
  it.for([5_999, 6_001, 6_122, 6_123, 20_000])(
    "of %d blocks is the importer's, part for part",
    async (count) => {
      const parts = await ourDirectory(blockNames(count));
      expect(parts).toEqual(await importersDirectory(blockNames(count)));
      expect(parts.length > 1).toBe(count > 6_122); // 262,144 bytes of names and CIDs
    },
  );
});
