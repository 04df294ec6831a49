import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { base64url, fromBase64url, fromHex, fromUtf8, utf8 } from "../../../../shared/crypto/bytes.ts";
import { BLOCK } from "../../../../shared/crypto/contexts.ts";
import {
  generateEncryptionSeed,
  importEncryptionPublicKey,
  importEncryptionSeed,
} from "../../../../shared/crypto/envelope.ts";
import {
  generateKeyring,
  KeyringError,
  loadKeyring,
  parseEncryptionPublicKey,
  rotateKeyring,
  type KeyringJson,
} from "../../../../shared/crypto/keyring.ts";
import { keyId } from "../../../../shared/crypto/key-id.ts";
import { importSigningSeed, verify } from "../../../../shared/crypto/ml-dsa.ts";
import { isPlaceholder } from "../../../../shared/crypto/placeholder.ts";
import { fixture } from "../../../support/chain/vectors.ts";

const txId = `vdc_tx_${"0".repeat(40)}`;

describe("a new keyring", () => {
  it("signs and opens with its active keys", async () => {
    const { signing, encryption } = await loadKeyring(await generateKeyring());
    const signature = await signing.active.sign(utf8("m"), BLOCK);
    expect(await verify(signature, utf8("m"), signing.active.publicKey, BLOCK)).toBe(true);
    expect(signing.active.keyId).toBe(keyId("ML-DSA-44", signing.active.publicKey));
    expect(signing.byId(signing.active.keyId)).toBe(signing.active);
    expect(signing.byId("0".repeat(64))).toBeUndefined();

    const envelope = await encryption.active.seal(txId, utf8("hidden"));
    expect(fromUtf8(await encryption.open(envelope))).toBe("hidden");
  });

  it("equals no other", async () => {
    expect(await generateKeyring()).not.toBe(await generateKeyring());
  });

  it("shows no seed when the loaded keyring is printed", async () => {
    const json = await generateKeyring();
    const printed = inspect(await loadKeyring(json), { depth: Infinity, maxArrayLength: Infinity });
    const { signing, encryption } = parsed(json);
    for (const { seed } of [...signing, ...encryption]) {
      expect(printed).not.toContain(seed);
      expect(printed.replaceAll(/\s+/g, "")).not.toContain(fromBase64url(seed).slice(0, 12).join(","));
    }
  });
});

describe("rotation", () => {
  it("seals and signs with new keys, and still opens and knows the old ones", async () => {
    const before = await generateKeyring();
    const after = await rotateKeyring(before);
    const [old, rotated] = [await loadKeyring(before), await loadKeyring(after)];
    expect(rotated.signing.active.keyId).not.toBe(old.signing.active.keyId);
    expect(rotated.encryption.active.kid).not.toBe(old.encryption.active.kid);
    expect(rotated.signing.byId(old.signing.active.keyId)).toMatchObject({
      status: "retired",
      publicKey: old.signing.active.publicKey,
    });
    const sealedBefore = await old.encryption.active.seal(txId, utf8("from before"));
    expect(fromUtf8(await rotated.encryption.open(sealedBefore))).toBe("from before");

    const sealedAfter = await rotated.encryption.active.seal(txId, utf8("new"));
    await expect(old.encryption.open(sealedAfter)).rejects.toMatchObject({
      name: "Permanent",
      reason: "unknown_key",
    });
  });

  it("keeps every key, one of each kind active, and fits a Worker's secret several times over", async () => {
    const json = await rotated(7);
    const { signing, encryption } = parsed(json);
    expect(signing.map(({ status }) => status)).toEqual([...Array(7).fill("retired"), "active"]);
    expect(encryption.map(({ status }) => status)).toEqual([...Array(7).fill("decrypt-only"), "active"]);
    expect(utf8(json).length).toBeLessThan(5000);
  });

  it("refuses to outgrow a Worker's secret, and says what to remove", async () => {
    await expect(rotated(20)).rejects.toThrow(/remove the oldest retired/);
  });

  it("refuses a keyring that could not be loaded", async () => {
    await expect(rotateKeyring("{}")).rejects.toThrow(KeyringError);
  });
});

describe("a keyring that must not be used", () => {
  let good: KeyringJson;
  let other: KeyringJson;
  beforeAll(async () => {
    good = parsed(await generateKeyring());
    other = parsed(await generateKeyring());
  });

  const withSigning = (...signing: object[]) => JSON.stringify({ ...good, signing });
  const withEncryption = (...encryption: object[]) => JSON.stringify({ ...good, encryption });
  const signingKey = () => only(good.signing);
  const encryptionKey = () => only(good.encryption);

  it.each<[string, () => string, RegExp]>([
    ["is empty", () => "", /not JSON.*keys generate/],
    ["is cut off", () => JSON.stringify(good).slice(0, -5), /not JSON/],
    ["is a seed alone", () => signingKey().seed, /not JSON/],
    ["is null", () => "null", /unknown shape at its top/],
    ["has no encryption keys at all", () => JSON.stringify({ signing: good.signing }), /shape at encryption/],
    ["has an unknown member", () => JSON.stringify({ ...good, [signingKey().seed]: 1 }), /unknown member/],
    ["has an unknown status", () => withSigning({ ...signingKey(), status: "on" }), /signing\[0\]\.status/],
    ["has a short seed", () => withSigning({ ...signingKey(), seed: "AAAA" }), /shape at signing\[0\]\.seed/],
    [
      "has stray bits in a seed",
      () => withSigning({ ...signingKey(), seed: `${signingKey().seed.slice(0, 42)}B` }),
      /not base64url/,
    ],
    ["has no signing key", () => withSigning(), /no active signing key.*keys generate/],
    ["has no encryption key", () => withEncryption(), /no active encryption key/],
    ["has only retired keys", () => withSigning({ ...signingKey(), status: "retired" }), /no active signing/],
    [
      "has two active signing keys",
      () => withSigning(signingKey(), only(other.signing)),
      /2 active signing keys.*"retired"/,
    ],
    [
      "has two active encryption keys",
      () => withEncryption(encryptionKey(), only(other.encryption)),
      /2 active encryption keys.*"decrypt-only"/,
    ],
    [
      "has a signing key twice",
      () => withSigning(signingKey(), { ...signingKey(), status: "retired" }),
      /twice/,
    ],
    [
      "has an encryption key twice",
      () => withEncryption(encryptionKey(), { ...encryptionKey(), status: "decrypt-only" }),
      /twice/,
    ],
    [
      "gives a signing seed another key's id",
      () => withSigning({ ...signingKey(), keyId: only(other.signing).keyId }),
      /does not belong to its seed/,
    ],
    [
      "gives an encryption seed another key's id",
      () => withEncryption({ ...encryptionKey(), keyId: only(other.encryption).keyId }),
      /does not belong to its seed/,
    ],
  ])("is refused when it %s, without a word of its seeds [T35 T67]", async (_, json, message) => {
    const error = await loadKeyring(json()).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(KeyringError);
    const printed = inspect(error, { depth: Infinity });
    expect(printed).toMatch(message);
    for (const { seed } of [...good.signing, ...good.encryption, ...other.signing, ...other.encryption])
      expect(printed).not.toContain(seed.slice(0, 10));
  });

  it.each(placeholders(32))("is refused when its signing seed is %s [T35]", async (_, seed) => {
    const { publicKey } = await importSigningSeed(seed);
    const entry = { keyId: keyId("ML-DSA-44", publicKey), seed: base64url(seed), status: "active" };
    await expect(loadKeyring(withSigning(entry))).rejects.toThrow(/signing\[0\] is a placeholder/);
  });

  it.each(placeholders(64))("is refused when its encryption seed is %s", async (_, seed) => {
    const { kid } = await importEncryptionSeed(seed);
    const entry = { keyId: kid, seed: base64url(seed), status: "active" };
    await expect(loadKeyring(withEncryption(entry))).rejects.toThrow(/encryption\[0\] is a placeholder/);
  });

  it("is not what a random seed makes", () => {
    for (let i = 0; i < 20_000; i++) {
      const seed = crypto.getRandomValues(new Uint8Array(32));
      expect(isPlaceholder(seed, base64url(seed))).toBe(false);
    }
  });
});

describe("the public encryption key of a Worker that only seals", () => {
  it("seals for the keyring that it belongs to", async () => {
    const { encryption } = await loadKeyring(await generateKeyring());
    const key = await parseEncryptionPublicKey(base64url(encryption.active.publicKey));
    expect(key.kid).toBe(encryption.active.kid);
    expect(fromUtf8(await encryption.open(await key.seal(txId, utf8("hidden"))))).toBe("hidden");
  });

  it.each<[string, string, RegExp]>([
    ["nothing", "", /1184 bytes/],
    ["a word", "changeme", /1184 bytes/],
    ["padded base64", `${base64url(new Uint8Array(1184))}=`, /1184 bytes/],
    ["a seed instead of a public key", base64url(new Uint8Array(64).fill(7)), /1184 bytes/],
    ["zeros", base64url(new Uint8Array(1184)), /placeholder/],
    ["text", base64url(utf8("changeme".repeat(148))), /placeholder/],
    ["coefficients of q or more", base64url(noisy(1184).with(0, 0xff).with(1, 0xff)), /no ML-KEM-768 key/],
  ])("is refused when it is %s", async (_, text, message) => {
    await expect(parseEncryptionPublicKey(text)).rejects.toThrow(KeyringError);
    await expect(parseEncryptionPublicKey(text)).rejects.toThrow(message);
  });
});

describe("key ids", () => {
  it("are the ones that were fixed with the format", async () => {
    const { signing, encryption } = fixture("own-formats.json") as {
      [kind in "signing" | "encryption"]: { seed: string; keyId: string; kid: string };
    };
    const { publicKey } = await importSigningSeed(fromHex(signing.seed));
    expect(keyId("ML-DSA-44", publicKey)).toBe(signing.keyId);
    expect((await importEncryptionSeed(fromHex(encryption.seed))).kid).toBe(encryption.kid);
  });

  it("differ by key and by algorithm, and are the same on the sealing and the opening side", async () => {
    const secret = await importEncryptionSeed(generateEncryptionSeed());
    expect((await importEncryptionPublicKey(secret.publicKey)).kid).toBe(secret.kid);
    expect(keyId("ML-DSA-44", secret.publicKey)).not.toBe(secret.kid);
    expect(keyId("ML-KEM-768", noisy(1184))).not.toBe(secret.kid);
  });
});

async function rotated(times: number): Promise<string> {
  let json = await generateKeyring();
  for (let i = 0; i < times; i++) json = await rotateKeyring(json);
  return json;
}

function parsed(json: string): KeyringJson {
  return JSON.parse(json) as KeyringJson;
}

function only<Entry>(entries: readonly Entry[]): Entry {
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) throw new Error("expected one entry");
  return entry;
}

function noisy(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * i * 31 + i * 3 + 128) % 251);
}

function placeholders(length: number): [string, Uint8Array<ArrayBuffer>][] {
  const of = (byte: (i: number) => number) => Uint8Array.from({ length }, (_, i) => byte(i));
  const text = (words: string) => of((i) => words.charCodeAt(i % words.length));
  const padded = new Uint8Array(length);
  padded.set(utf8("a dev key, change me"));
  // Words among random characters, as a person types them: 3 bytes are 4 characters.
  const typed = noisy(length);
  typed.set(fromBase64url("changeme"), 9);
  return [
    ["zeros", of(() => 0)],
    ["ones", of(() => 0xff)],
    ["counting up", of((i) => i)],
    ["counting down", of((i) => 255 - i)],
    ["counting in steps", of((i) => i * 7 + 3)],
    ["seven values without a pattern", of((i) => 128 + ((i * i * i + (i >> 2)) % 7))],
    ["a repeated pattern", of((i) => (((i % 11) + 1) ** 3 * 37) & 0xff)],
    ["text", text("changeme, this is not a real secret!")],
    ["text, padded with zeros", padded],
    ["words in its spelling", typed],
  ];
}
