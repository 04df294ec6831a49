import { afterEach, describe, expect, it, vi } from "vitest";
import { nativeMlDsa, nativeMlKem } from "../../../../shared/crypto/native.ts";

describe("detection of native post-quantum WebCrypto", () => {
  afterEach(() => vi.unstubAllGlobals());

  // Every comparison of native and noble below depends on this. Otherwise they would test noble against noble.
  it("finds both algorithms in the Node that runs these tests", () => {
    expect({ node: process.version, kem: nativeMlKem(), dsa: nativeMlDsa() }).toEqual({
      node: process.version,
      kem: true,
      dsa: true,
    });
  });

  it.each([
    ["there is no SubtleCrypto", undefined],
    ["SubtleCrypto has no supports()", {}],
    ["supports() throws", { supports: () => JSON.parse("") as boolean }],
    ["supports() answers something odd", { supports: () => "maybe" }],
    ["supports() says no", { supports: () => false }],
  ])("falls back to noble when %s", (_, SubtleCrypto) => {
    vi.stubGlobal("SubtleCrypto", SubtleCrypto);
    expect([nativeMlKem(), nativeMlDsa()]).toEqual([false, false]);
  });
});
