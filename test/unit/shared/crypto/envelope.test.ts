import { inspect } from "node:util";
import { KEM_ML_KEM_768 as NOBLE_ML_KEM_768 } from "@panva/hpke-noble";
import { KEM_ML_KEM_768, type KEM } from "hpke";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { base64url, fromHex, fromUtf8, hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../../../shared/crypto/canonical.ts";
import {
  Envelope,
  generateEncryptionSeed,
  importEncryptionPublicKey,
  importEncryptionSeed,
  nativeBackend,
  nobleBackend,
} from "../../../../shared/crypto/envelope.ts";
import { keyId } from "../../../../shared/crypto/key-id.ts";
import { fixture, some, vectorSets } from "../../../support/chain/vectors.ts";

const backends = [
  { name: "native", backend: nativeBackend, kem: (): KEM => KEM_ML_KEM_768() },
  { name: "noble", backend: nobleBackend, kem: (): KEM => NOBLE_ML_KEM_768() },
];
const txId = `vdc_tx_${"0".repeat(40)}`;
const undecryptable = { name: "Permanent", reason: "undecryptable" };

interface Wycheproof {
  testGroups: {
    tests: {
      tcId: number;
      comment?: string;
      seed: string;
      ek?: string;
      c: string;
      K: string;
      result: string;
    }[];
  }[];
}

describe.each(vectorSets("ml-kem-768.json", "pq/mlkem_768_sample.json"))(
  "ML-KEM-768 vectors, $set",
  ({ vectors }) => {
    const cases = (vectors as Wycheproof).testGroups.flatMap(({ tests }) => tests);
    const valid = cases.filter(({ result }) => result === "valid");
    const badCiphertext = cases.filter(({ result, ek }) => result === "invalid" && ek !== undefined);
    const badSeed = cases.filter(({ result, ek }) => result === "invalid" && ek === undefined);

    describe.each(backends)("$name", ({ backend, kem }) => {
      it.each(some(valid))("gives the public key and the shared secret of tcId $tcId [T77]", async (row) => {
        const secret = await importEncryptionSeed(fromHex(row.seed), backend);
        expect(hex(secret.publicKey)).toBe(row.ek);
        const key = await kem().DeserializePrivateKey(fromHex(row.seed), false);
        expect(hex(await kem().Decap(fromHex(row.c), key, undefined))).toBe(row.K);
      });

      it.each(some(badCiphertext))("does not open tcId $tcId ($comment)", async (row) => {
        const secret = await importEncryptionSeed(fromHex(row.seed), backend);
        const envelope = { ...(await sealTo(secret.publicKey)), enc: base64url(fromHex(row.c)) };
        expect(v.is(Envelope, envelope)).toBe(false);
        await expect(secret.open(envelope)).rejects.toMatchObject(undecryptable);
      });

      it.each(some(badSeed))("refuses the seed of tcId $tcId ($comment)", async (row) => {
        await expect(importEncryptionSeed(fromHex(row.seed), backend)).rejects.toThrow(TypeError);
      });
    });
  },
);

interface HpkeVector {
  aead_id: number;
  info: string;
  skRm: string;
  pkRm: string;
  enc: string;
  encryptions: { aad: string; ct: string; pt: string }[];
  exports: { exporter_context: string; L: number; exported_value: string }[];
}

describe.each(vectorSets("hpke.json", "pq/hpke_derived_aes256gcm.json"))(
  "HPKE vectors for 0x0041, 0x0001, 0x0002, $set",
  ({ vectors }) => {
    const cases = some(vectors as HpkeVector[]).flatMap((vector) =>
      backends.map((backend) => ({ ...backend, vector })),
    );

    it.each(cases)("opens and exports them all ($name)", async ({ backend, vector }) => {
      const suite = backend();
      expect([suite.KEM.id, suite.KDF.id, suite.AEAD.id]).toEqual([0x0041, 0x0001, vector.aead_id]);
      expect(hex((await importEncryptionSeed(fromHex(vector.skRm), backend)).publicKey)).toBe(vector.pkRm);

      const key = await suite.DeserializePrivateKey(fromHex(vector.skRm), false);
      const context = await suite.SetupRecipient(key, fromHex(vector.enc), { info: fromHex(vector.info) });
      for (const { aad, ct, pt } of some(vector.encryptions))
        expect(hex(await context.Open(fromHex(ct), fromHex(aad)))).toBe(pt);
      for (const { exporter_context, L, exported_value } of some(vector.exports))
        expect(hex(await context.Export(fromHex(exporter_context), L))).toBe(exported_value);
    });
  },
);

describe.each([
  { from: "native", to: "noble", sealer: nativeBackend, opener: nobleBackend },
  { from: "noble", to: "native", sealer: nobleBackend, opener: nativeBackend },
  { from: "native", to: "native", sealer: nativeBackend, opener: nativeBackend },
  { from: "noble", to: "noble", sealer: nobleBackend, opener: nobleBackend },
])("an envelope sealed by $from and opened by $to", ({ sealer, opener }) => {
  const prepare = async () => {
    const secret = await importEncryptionSeed(generateEncryptionSeed(), opener);
    const key = await importEncryptionPublicKey(secret.publicKey, sealer);
    return { secret, envelope: await key.seal(txId, utf8("what is inside")) };
  };

  it("holds what was sealed, fits its schema, and names its key", async () => {
    const { secret, envelope } = await prepare();
    expect(v.parse(Envelope, envelope)).toEqual(envelope);
    expect(envelope).toMatchObject({ v: 1, suite: "HPKE-0041-0001-0002", txId, kid: secret.kid });
    expect(secret.kid).toBe(keyId("ML-KEM-768", secret.publicKey));
    expect(fromUtf8(await secret.open(envelope))).toBe("what is inside");
  });

  it("does not open once any of its fields changed [T47]", async () => {
    const { secret, envelope } = await prepare();
    const changes: object[] = [
      { txId: `vdc_tx_${"1".repeat(40)}` },
      { v: 2 },
      { suite: "HPKE-0041-0001-0001" },
      { kid: "0".repeat(64) },
      { added: true },
      { enc: flip(envelope.enc) },
      { ct: flip(envelope.ct) },
      { ct: "" },
      { enc: "" },
      { ct: `${envelope.ct}=` },
      { txId: "\ud800" },
    ];
    for (const change of changes)
      await expect(secret.open({ ...envelope, ...change })).rejects.toMatchObject(undecryptable);
  });

  it("does not open with another key that claims its id [T34 T45]", async () => {
    const [{ envelope }, { secret }] = [await prepare(), await prepare()];
    await expect(secret.open(envelope)).rejects.toMatchObject(undecryptable);
    await expect(secret.open({ ...envelope, kid: secret.kid })).rejects.toMatchObject(undecryptable);
  });

  it("is never sealed twice in the same way [T77]", async () => {
    const secret = await importEncryptionSeed(generateEncryptionSeed(), opener);
    const key = await importEncryptionPublicKey(secret.publicKey, sealer);
    const [one, two] = [await key.seal(txId, utf8("same")), await key.seal(txId, utf8("same"))];
    expect(one.enc).not.toBe(two.enc);
    expect(one.ct).not.toBe(two.ct);
  });
});

describe.each(backends)("keys of the $name backend", ({ backend }) => {
  it("do not open what was sealed to them in another key's name", async () => {
    const secret = await importEncryptionSeed(generateEncryptionSeed(), backend);
    const { enc: _, ct: __, ...header } = { ...(await sealTo(secret.publicKey)), kid: "0".repeat(64) };
    const key = await backend().DeserializePublicKey(secret.publicKey);
    const options = { info: utf8("vdc/envelope/v1"), aad: canonicalBytes(header) };
    const sealed = await backend().Seal(key, utf8("hidden"), options);
    const envelope = {
      ...header,
      enc: base64url(sealed.encapsulatedSecret),
      ct: base64url(sealed.ciphertext),
    };
    await expect(secret.open(envelope)).rejects.toMatchObject(undecryptable);
  });

  it.each([0, 32, 63, 65])("are not made from a seed of %i bytes", async (length) => {
    await expect(importEncryptionSeed(new Uint8Array(length), backend)).rejects.toThrow(TypeError);
  });

  it.each([0, 1183, 1185])("are not made from a public key of %i bytes", async (length) => {
    await expect(importEncryptionPublicKey(new Uint8Array(length), backend)).rejects.toThrow(TypeError);
  });

  it("are not made from a public key with a coefficient of q or more (FIPS 203 §7.2) [T9]", async () => {
    const { publicKey } = await importEncryptionSeed(generateEncryptionSeed(), backend);
    // 3329 = 0xd01, as the first, an odd middle and the last of the packed 12-bit coefficients; then all ones.
    const first = Uint8Array.from(publicKey).with(0, 0x01).with(1, 0x0d);
    const odd = Uint8Array.from(publicKey).with(301, 0x10).with(302, 0xd0);
    const last = Uint8Array.from(publicKey).with(1150, 0x10).with(1151, 0xd0);
    for (const key of [first, odd, last, new Uint8Array(1184).fill(0xff)])
      await expect(importEncryptionPublicKey(key, backend)).rejects.toThrow(/below q/);
    // 3328 = 0xd00 is the largest allowed coefficient.
    const largest = Uint8Array.from(publicKey).with(0, 0x00).with(1, 0x0d);
    await expect(importEncryptionPublicKey(largest, backend)).resolves.toBeDefined();
  });

  it("show no secret when they are printed or serialised", async () => {
    const seed = generateEncryptionSeed();
    const secret = await importEncryptionSeed(seed, backend);
    const printed = inspect(secret, { depth: Infinity, maxArrayLength: Infinity, showHidden: true });
    const shown = [JSON.stringify(secret), JSON.stringify({ ...secret }), printed].join("\n");
    expect(shown).toContain("publicKey");
    const start = seed.slice(0, 12);
    for (const piece of [hex(start), base64url(start), start.join(",")])
      expect(shown.replaceAll(/\s+/g, "")).not.toContain(piece);
  });

  it("open the envelope that was sealed when the format was fixed [T79]", async () => {
    const { encryption } = fixture("own-formats.json") as {
      encryption: { seed: string; kid: string; plaintext: string; envelope: unknown };
    };
    const secret = await importEncryptionSeed(fromHex(encryption.seed), backend);
    expect(secret.kid).toBe(encryption.kid);
    const opened = await secret.open(v.parse(Envelope, encryption.envelope));
    expect(fromUtf8(opened)).toBe(encryption.plaintext);
  });
});

async function sealTo(publicKey: Uint8Array): Promise<Envelope> {
  return (await importEncryptionPublicKey(publicKey)).seal(txId, utf8("hidden"));
}

/** Changes the first character of a text. */
function flip(text: string): string {
  return (text.startsWith("A") ? "B" : "A") + text.slice(1);
}
