import { inspect } from "node:util";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { describe, expect, it } from "vitest";
import { base64url, fromHex, fromUtf8, hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { BLOCK, TRANSACTION } from "../../../../shared/crypto/contexts.ts";
import {
  generateSigningSeed,
  importSigningSeed,
  nativeBackend,
  nobleBackend,
  verify,
} from "../../../../shared/crypto/ml-dsa.ts";
import { fixture, some, vectorSets } from "../../../support/chain/vectors.ts";

interface Wycheproof {
  testGroups: {
    publicKey: string;
    tests: { tcId: number; comment: string; msg: string; ctx?: string; sig: string; result: string }[];
  }[];
}

const backends = [
  { name: "native", backend: nativeBackend },
  { name: "noble", backend: nobleBackend },
];
const message = utf8("a message");

describe.each(vectorSets("ml-dsa-44.json", "pq/mldsa_44_verify_sample.json"))(
  "ML-DSA-44 verification vectors, $set",
  ({ vectors }) => {
    const cases = (vectors as Wycheproof).testGroups.flatMap(({ publicKey, tests }) =>
      tests.map((test) => ({ publicKey, ...test })),
    );

    it("holds accepted and refused signatures", () => {
      expect(new Set(cases.map(({ result }) => result))).toEqual(new Set(["valid", "invalid"]));
    });

    describe.each(backends)("$name", ({ backend }) => {
      it.each(some(cases))("answers $result to tcId $tcId ($comment) [T76]", async (row) => {
        const context = fromUtf8(fromHex(row.ctx ?? ""));
        const accepted = await backend.verify(
          fromHex(row.sig),
          fromHex(row.msg),
          fromHex(row.publicKey),
          context,
        );
        expect(accepted).toBe(row.result === "valid");
      });
    });
  },
);

describe.each([
  { from: "native", to: "noble", signer: nativeBackend, verifier: nobleBackend },
  { from: "noble", to: "native", signer: nobleBackend, verifier: nativeBackend },
])("a signature made by $from", ({ to, signer, verifier }) => {
  it(`verifies in ${to}, and only for its message, context and key`, async () => {
    const seed = generateSigningSeed();
    const secret = await signer.importSigningSeed(seed);
    const { publicKey } = await verifier.importSigningSeed(seed);
    expect(hex(secret.publicKey)).toBe(hex(publicKey));

    const other = await verifier.importSigningSeed(generateSigningSeed());
    const signature = await secret.sign(message, BLOCK);
    expect(signature).toHaveLength(2420);
    expect(await verifier.verify(signature, message, publicKey, BLOCK)).toBe(true);
    expect(await verifier.verify(signature, utf8("another message"), publicKey, BLOCK)).toBe(false);
    expect(await verifier.verify(signature, message, publicKey, TRANSACTION)).toBe(false);
    expect(await verifier.verify(signature, message, publicKey, "")).toBe(false);
    expect(await verifier.verify(signature, message, other.publicKey, BLOCK)).toBe(false);
  });
});

describe.each(backends)("the $name backend", ({ backend }) => {
  it("makes another signature each time (hedged), and each verifies", async () => {
    const secret = await backend.importSigningSeed(generateSigningSeed());
    const signatures = [await secret.sign(message, BLOCK), await secret.sign(message, BLOCK)];
    expect(new Set(signatures.map(hex)).size).toBe(2);
    for (const signature of signatures)
      expect(await backend.verify(signature, message, secret.publicKey, BLOCK)).toBe(true);
  });

  it("takes a context of 255 bytes, and neither signs nor accepts one of 256", async () => {
    const secret = await backend.importSigningSeed(generateSigningSeed());
    const signature = await secret.sign(message, "é".repeat(127) + "x");
    expect(await backend.verify(signature, message, secret.publicKey, "é".repeat(127) + "x")).toBe(true);
    await expect(secret.sign(message, "é".repeat(128))).rejects.toThrow(TypeError);
    expect(await backend.verify(signature, message, secret.publicKey, "é".repeat(128))).toBe(false);
  });

  it("answers false, and does not throw, for empty, short, long and random bytes [T9]", async () => {
    const secret = await backend.importSigningSeed(generateSigningSeed());
    const signature = await secret.sign(message, BLOCK);
    const oddSignatures = [0, 1, 2419, 2421, 100_000].map((length) => new Uint8Array(length));
    const oddKeys = [0, 1, 1311, 1313, 100_000].map((length) => new Uint8Array(length));
    for (const odd of [...oddSignatures, new Uint8Array(2420).fill(0xff)])
      expect(await backend.verify(odd, message, secret.publicKey, BLOCK)).toBe(false);
    for (const odd of [...oddKeys, new Uint8Array(1312).fill(0xff)])
      expect(await backend.verify(signature, message, odd, BLOCK)).toBe(false);
  });

  it.each([0, 31, 33, 64])("refuses a seed of %i bytes", async (length) => {
    await expect(backend.importSigningSeed(new Uint8Array(length))).rejects.toThrow(TypeError);
  });

  it("shows no secret when it is printed or serialised [T67]", async () => {
    const seed = generateSigningSeed();
    const secret = await backend.importSigningSeed(seed);
    const printed = inspect(secret, { depth: Infinity, maxArrayLength: Infinity, showHidden: true });
    const shown = [JSON.stringify(secret), JSON.stringify({ ...secret }), printed].join("\n");
    expect(shown).toContain("publicKey");
    for (const piece of traces(seed, ml_dsa44.keygen(seed).secretKey.slice(32, 64)))
      expect(shown.replaceAll(/\s+/g, "")).not.toContain(piece);
  });
});

describe("the default backend", () => {
  it("signs and verifies", async () => {
    const secret = await importSigningSeed(generateSigningSeed());
    const signature = await secret.sign(message, TRANSACTION);
    expect(await verify(signature, message, secret.publicKey, TRANSACTION)).toBe(true);
    expect(await verify(signature, message, secret.publicKey, BLOCK)).toBe(false);
  });

  it("generates another seed of 32 bytes each time", () => {
    expect(generateSigningSeed()).toHaveLength(32);
    expect(hex(generateSigningSeed())).not.toBe(hex(generateSigningSeed()));
  });

  it("still accepts the signature that was made when the format was fixed [T76 T79]", async () => {
    const { signing } = fixture("own-formats.json") as {
      signing: { seed: string; message: string; context: string; deterministicSignature: string };
    };
    expect(signing.context).toBe(BLOCK);
    const { publicKey } = await importSigningSeed(fromHex(signing.seed));
    const signature = fromHex(signing.deterministicSignature);
    expect(await verify(signature, fromHex(signing.message), publicKey, BLOCK)).toBe(true);
  });
});

/** Returns the first bytes of a secret in all usual spellings, without white space. */
function traces(...secrets: Uint8Array[]): string[] {
  return secrets.flatMap((secret) => {
    const start = secret.slice(0, 12);
    return [hex(start), base64url(start), start.join(",")];
  });
}
