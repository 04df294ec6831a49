import { beforeAll, describe, expect, it } from "vitest";
import { SEALED_NAMES } from "../../../../shared/chain/sealed-names.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalText } from "../../../../shared/crypto/canonical.ts";
import {
  generateEncryptionSeed,
  importEncryptionSeed,
  importEncryptionPublicKey,
  type EncryptionPublicKey,
  type Envelope,
} from "../../../../shared/crypto/envelope.ts";
import {
  checkPinnable,
  PolicyViolation,
  POLICIES,
  publicKeyIn,
  tiersFor,
  type Kind,
} from "../../../../shared/storage/policies.ts";
import { createSealed, putSealedRecord, replaceSealed } from "../../../../shared/storage/sealed-object.ts";

const TX_ID = `vdc_tx_${"0a".repeat(20)}`;
const USER_ID = "0b".repeat(32);

let key: EncryptionPublicKey;
let envelope: Envelope;
beforeAll(async () => {
  const { publicKey } = await importEncryptionSeed(generateEncryptionSeed());
  key = await importEncryptionPublicKey(publicKey);
  envelope = await key.seal(TX_ID, utf8("contents"));
});

/** Records puts. A put whose condition does not hold returns null, as in R2. */
function store() {
  const puts: { key: string; value: string; options: unknown }[] = [];
  const put = async (key: string, value: string | Uint8Array, options?: unknown) => {
    puts.push({ key, value: typeof value === "string" ? value : new TextDecoder().decode(value), options });
    return {};
  };
  return { puts, r2: { put } as unknown as R2Bucket, kv: { put } as unknown as KVNamespace };
}

describe("a sealed thing", () => {
  it("is put under its policy's key, create-only, as the canonical bytes of its envelope", async () => {
    const { puts, r2 } = store();
    const facts = { timestamp: "1" };
    expect(await createSealed(r2, { kind: "pending_transaction", id: TX_ID, envelope }, facts)).toBe(true);
    expect(puts).toMatchObject([
      {
        key: `pending/${TX_ID}.json`,
        value: canonicalText(envelope),
        options: { onlyIf: { etagDoesNotMatch: "*" }, customMetadata: facts },
      },
    ]);
  });

  it("takes the place of one version, and of no other", async () => {
    const { puts, r2 } = store();
    await replaceSealed(r2, { kind: "signed_intent", id: TX_ID, envelope }, "etag-1");
    expect(puts).toMatchObject([
      { key: `intents/${TX_ID}.json`, options: { onlyIf: { etagMatches: "etag-1" } } },
    ]);
  });

  it("is replaced by other bytes of the same envelope, or its ETag would stay and it could be replaced again", async () => {
    const { puts, r2 } = store();
    const sealed = { kind: "signed_intent", id: TX_ID, envelope } as const;
    await createSealed(r2, sealed);
    await replaceSealed(r2, sealed, "etag-1");
    const [created, replaced] = puts.map(({ value }) => value);
    expect(replaced).not.toBe(created);
    expect(JSON.parse(replaced ?? "")).toEqual(JSON.parse(created ?? ""));
  });

  it("is put into KV with what is told beside it when it is a user's", async () => {
    const { puts, kv } = store();
    const record = {
      userId: USER_ID,
      version: 1,
      envelope: await key.seal(SEALED_NAMES.userMetadata(USER_ID), utf8("x")),
    };
    await putSealedRecord(kv, { kind: "user_metadata", id: USER_ID, record, sealedTo: key.kid });
    expect(puts).toMatchObject([{ key: `user:${USER_ID}`, value: canonicalText(record) }]);
  });
});

describe("nothing is written of", () => {
  const refusals: [what: string, act: (stores: ReturnType<typeof store>) => Promise<unknown>, why: RegExp][] =
    [
      [
        "a document without an envelope",
        ({ r2 }) =>
          createSealed(r2, { kind: "document", id: USER_ID, envelope: { text: "my will" } as never }),
        /a document is kept in an envelope/,
      ],
      [
        "an activation token in clear",
        ({ r2 }) => createSealed(r2, { kind: "activation_token", id: USER_ID, envelope: "token" as never }),
        /kept in an envelope/,
      ],
      [
        "an envelope with something in clear beside its ciphertext",
        ({ r2 }) =>
          createSealed(r2, {
            kind: "pending_transaction",
            id: TX_ID,
            envelope: { ...envelope, email: "a@example.org" } as never,
          }),
        /kept in an envelope/,
      ],
      [
        "an envelope whose suite is unknown",
        ({ r2 }) =>
          createSealed(r2, {
            kind: "pending_transaction",
            id: TX_ID,
            envelope: { ...envelope, suite: "none" } as never,
          }),
        /kept in an envelope/,
      ],
      [
        "an envelope whose kid is no key id",
        ({ r2 }) =>
          createSealed(r2, { kind: "pending_transaction", id: TX_ID, envelope: { ...envelope, kid: "" } }),
        /kept in an envelope/,
      ],
      [
        "an envelope of another transaction",
        ({ r2 }) => createSealed(r2, { kind: "pending_transaction", id: `${TX_ID.slice(0, -1)}b`, envelope }),
        /sealed as something else/,
      ],
      [
        "a pending transaction as an activation token",
        ({ r2 }) => createSealed(r2, { kind: "activation_token", id: TX_ID, envelope }),
        /sealed as something else/,
      ],
      [
        "a pending transaction in KV",
        ({ kv }) => putSealedRecord(kv, { kind: "pending_transaction", id: TX_ID, record: { envelope } }),
        /a pending_transaction is never kept in kv/,
      ],
      [
        "a block in an envelope",
        ({ r2 }) => createSealed(r2, { kind: "chain_block", id: "1", envelope }),
        /a chain_block is public/,
      ],
      [
        "a user's metadata in R2",
        async ({ r2 }) =>
          createSealed(r2, {
            kind: "user_metadata",
            id: USER_ID,
            envelope: await key.seal(SEALED_NAMES.userMetadata(USER_ID), utf8("x")),
            sealedTo: key.kid,
          }),
        /a user_metadata is never kept in r2/,
      ],
      [
        "a user's metadata that is sealed to another key than the user's",
        async ({ kv }) =>
          putSealedRecord(kv, {
            kind: "user_metadata",
            id: USER_ID,
            record: { envelope: await key.seal(SEALED_NAMES.userMetadata(USER_ID), utf8("x")) },
            sealedTo: "0c".repeat(32),
          }),
        /sealed to another key/,
      ],
      [
        "a user's metadata of which nobody said whose key it is sealed to",
        async ({ kv }) =>
          putSealedRecord(kv, {
            kind: "user_metadata",
            id: USER_ID,
            record: { envelope: await key.seal(SEALED_NAMES.userMetadata(USER_ID), utf8("x")) },
          }),
        /say which key/,
      ],
      [
        "a kind that has no policy",
        ({ r2 }) => createSealed(r2, { kind: "constructor" as Kind, id: TX_ID, envelope }),
        /no policy/,
      ],
    ];
  it.each(refusals)("%s", async (_, act, why) => {
    const stores = store();
    const refused = (async () => act(stores))();
    await expect(refused).rejects.toThrow(why);
    await expect(refused).rejects.toBeInstanceOf(PolicyViolation);
    expect(stores.puts).toEqual([]);
  });
});

describe("a policy", () => {
  it("gives no key for something in clear but a block", () => {
    for (const kind of Object.keys(POLICIES) as Kind[])
      if (kind === "chain_block") expect(publicKeyIn("kv", kind, 7)).toBe("vdc:block:7");
      else expect(() => publicKeyIn("r2", kind, TX_ID), kind).toThrow(PolicyViolation);
  });

  it("lets blocks and documents be pinned, and nothing else", () => {
    const pinnable = (Object.keys(POLICIES) as Kind[]).filter((kind) => tiersFor(kind).includes("ipfs"));
    expect(pinnable).toEqual(["chain_block", "document"]);
    for (const kind of Object.keys(POLICIES) as Kind[])
      if (pinnable.includes(kind)) checkPinnable(kind);
      else expect(() => checkPinnable(kind), kind).toThrow(PolicyViolation);
  });
});
