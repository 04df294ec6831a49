import { timingSafeEqual } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { isWeakSecret, sameSecret } from "../../../../shared/http/secret.ts";

const SECRET = "f3Zk-9qL_0aXw7Vt2RbN8cYd";

describe("comparing secrets", () => {
  const compared: [number, number][] = [];
  // workerd has timingSafeEqual, and Node's WebCrypto does not.
  beforeAll(() => {
    Object.defineProperty(crypto.subtle, "timingSafeEqual", {
      configurable: true,
      value: (a: ArrayBuffer, b: ArrayBuffer) => {
        compared.push([a.byteLength, b.byteLength]);
        return timingSafeEqual(new Uint8Array(a), new Uint8Array(b));
      },
    });
  });
  afterAll(() => void Reflect.deleteProperty(crypto.subtle, "timingSafeEqual"));

  it("finds the same text, and no other", async () => {
    expect(await sameSecret(SECRET, SECRET)).toBe(true);
    for (const other of [
      "",
      SECRET.slice(0, -1),
      `${SECRET}x`,
      ` ${SECRET}`,
      SECRET.toUpperCase(),
      SECRET.replace("f", "g"),
      `${SECRET}\0`,
    ])
      expect(await sameSecret(other, SECRET), other).toBe(false);
    expect(await sameSecret("é", "e\u0301")).toBe(false);
  });

  it("compares digests of one length, so that time tells neither content nor length [T26]", async () => {
    const digest = vi.spyOn(crypto.subtle, "digest");
    compared.length = 0;
    await sameSecret("", SECRET);
    await sameSecret("x".repeat(10_000), SECRET);
    expect(compared).toEqual([
      [32, 32],
      [32, 32],
    ]);
    expect(digest.mock.calls.every(([algorithm]) => algorithm === "SHA-256")).toBe(true);
    digest.mockRestore();
  });
});

describe("a weak secret", () => {
  it.each([
    ["nothing", ""],
    ["shorter than 16 characters", "f3Zk-9qL_0aXw7V"],
    ["one letter repeated", "a".repeat(64)],
    ["five different letters", "abcde".repeat(8)],
    ["a placeholder", "change-me-9f3a7c1b5d"],
    ["a placeholder in capitals", "CHANGEME9f3a7c1b5d00"],
    ["a placeholder by name", "my-placeholder-9f3a7c"],
    ["an example", "whsec_example_9f3a7c1b"],
    ["a template", "whsec_your_signing_secret"],
    ["another template", "your-admin-secret-here"],
  ])("is %s", (_, secret) => {
    expect(isWeakSecret(secret)).toBe(true);
  });

  it.each([SECRET, "f3Zk-9qL_0aXw7Vt", "whsec_3b1f9d0c7a5e48f2", "correct horse battery staple"])(
    "is not %s",
    (secret) => {
      expect(isWeakSecret(secret)).toBe(false);
    },
  );
});
