import { beforeAll, describe, expect, it } from "vitest";
import {
  DocumentRecord,
  InvalidDocument,
  MAX_DOCUMENT_BYTES,
  MAX_RECORD_BYTES,
  signedDocumentBytes,
} from "../../../../shared/chain/document.ts";
import { openDocument, sealDocument } from "../../../../shared/client/documents.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../../../shared/client/user-keys.ts";
import { concat, fromHex, fromUtf8, utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes, type Json } from "../../../../shared/crypto/canonical.ts";
import { DOCUMENT, TRANSACTION } from "../../../../shared/crypto/contexts.ts";
import { CHAIN_ID } from "../../../support/users/accounts.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";

/** Changes every 11th byte of the long values; `npm run prove` changes every byte. */
const STEP = 11;

type Members = { envelope: Record<string, Json>; signature: Record<string, Json> };

let user: UserKeys;
let other: UserKeys;
let record: Uint8Array<ArrayBuffer>;
let id: string;
let members: Members;
beforeAll(async () => {
  [user, other] = await Promise.all([importUserKeys(generateUserKeys()), importUserKeys(generateUserKeys())]);
  ({ id, bytes: record } = await sealDocument(CHAIN_ID, utf8("my will"), user));
  members = JSON.parse(fromUtf8(record)) as Members;
});

const altered = (change: { envelope?: Record<string, Json>; signature?: Record<string, Json> }) =>
  canonicalBytes({
    envelope: { ...members.envelope, ...change.envelope },
    signature: { ...members.signature, ...change.signature },
  });

/** Returns the number of characters in base64url without padding. */
const characters = (bytes: number) => Math.ceil((bytes * 4) / 3);

describe("a document's record", () => {
  it("is read in place: its id is the hash of its envelope's canonical bytes, its owner who signed it", async () => {
    const document = await DocumentRecord.read(record);
    expect(document).toMatchObject({ id, owner: user.userId });
    expect(document.id).toBe(sha256Hex(canonicalBytes(members.envelope)));
    expect(document.sealed()).toEqual(members.envelope);
    expect(document.envelope).not.toHaveProperty("ct");
    expect(document.bytes).toBe(record);
    expect(await document.verify(CHAIN_ID)).toBe(true);
  });

  it("is read out of a larger buffer too", async () => {
    const larger = concat(utf8("xx"), record, utf8("yy"));
    const document = await DocumentRecord.read(larger.subarray(2, 2 + record.length));
    expect(document.id).toBe(id);
    expect(await document.verify(CHAIN_ID)).toBe(true);
  });

  it("is exactly as large as a record may be for the largest document; one byte more is refused", async () => {
    const sealed = { small: utf8("my will").length + 16, largest: MAX_DOCUMENT_BYTES + 16 }; // with the tag of AES-GCM
    const largest = record.length - characters(sealed.small) + characters(sealed.largest);
    expect(largest).toBe(MAX_RECORD_BYTES);
    await expect(sealDocument(CHAIN_ID, new Uint8Array(MAX_DOCUMENT_BYTES + 1), user)).rejects.toThrow(
      RangeError,
    );
    const more = concat(record, new Uint8Array(MAX_RECORD_BYTES + 1 - record.length).fill(0x20));
    await expect(DocumentRecord.read(more)).rejects.toThrow(/larger|bytes/);
  });

  it.each([0, 1, 2, 3, 4, 5])("is read and opened for a document of %i bytes", async (length) => {
    const sealed = await sealDocument(CHAIN_ID, new Uint8Array(length).fill(7), user);
    expect(await openDocument(CHAIN_ID, sealed.bytes, user, sealed.id)).toEqual(
      new Uint8Array(length).fill(7),
    );
  });

  it("is no record with any byte changed, or not what its owner signed", async () => {
    // Selects the members' names, and samples of the long values: enc, ct, publicKey and signature.
    const text = fromUtf8(record);
    const chosen = Array.from(record.keys()).filter(
      (i) => i % STEP === 0 || /["{}:,]/.test(text.slice(i - 2, i + 3)),
    );
    for (const i of chosen) {
      const changed = record.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      const verified = await DocumentRecord.read(changed).then(
        (document) => document.verify(CHAIN_ID),
        (error: unknown) => {
          if (!(error instanceof InvalidDocument)) throw error;
          return false;
        },
      );
      expect(verified, `byte ${i}`).toBe(false);
    }
  });

  const misfits: [what: string, bytes: () => Uint8Array<ArrayBuffer>, why: RegExp][] = [
    ["nothing", () => new Uint8Array(), /begins with/],
    ["a document in clear", () => utf8("my will"), /begins with/],
    ["JSON in another order", () => utf8(JSON.stringify({ signature: 1, envelope: {} })), /begins with/],
    ["a record with a blank", () => concat(record, utf8("\n")), /canonical/],
    ["a record that is cut off", () => record.subarray(0, -1), /canonical/],
    ["a ct without an end", () => record.subarray(0, 30), /base64url/],
    ["a padded ct", () => altered({ envelope: { ct: `${"A".repeat(24)}=` } }), /base64url/],
    ["a ct of a length that no bytes have", () => altered({ envelope: { ct: "A".repeat(25) } }), /base64url/],
    ["a ct with stray bits", () => altered({ envelope: { ct: `${"A".repeat(25)}B` } }), /base64url/],
    ["a ct in the other base64", () => altered({ envelope: { ct: "+".repeat(24) } }), /base64url/],
    ["a ct shorter than its tag", () => altered({ envelope: { ct: "A".repeat(20) } }), /shorter/],
    ["a ct that is no string", () => altered({ envelope: { ct: 1 } }), /begins with/],
    ["an escaped ct", () => utf8(fromUtf8(record).replace('"ct":"', '"ct":"\\u0041')), /base64url/],
    ["another suite", () => altered({ envelope: { suite: "none" } }), /envelope\.suite/],
    ["a kid that is no key id", () => altered({ envelope: { kid: "A" } }), /envelope\.kid/],
    ["a stray bit in enc", () => altered({ envelope: { enc: `${"A".repeat(1450)}B` } }), /base64url/],
    [
      "something in clear beside the ciphertext",
      () => altered({ envelope: { name: "will.pdf" } }),
      /envelope\.name/,
    ],
    ["something beside the signature", () => altered({ signature: { by: "Ada" } }), /signature\.by/],
    [
      "an envelope of another user's document",
      () => altered({ envelope: { txId: `vdc_document:${other.userId}` } }),
      /sealed as/,
    ],
    [
      "an envelope of something else",
      () => altered({ envelope: { txId: `vdc_user:${user.userId}` } }),
      /sealed as/,
    ],
  ];
  it.each(misfits)("is not %s", async (_, bytes, why) => {
    await expect(DocumentRecord.read(bytes())).rejects.toThrow(why);
    await expect(DocumentRecord.read(bytes())).rejects.toBeInstanceOf(InvalidDocument);
  });

  it("does not verify with a signature that was made for something else", async () => {
    const signature = await user.sign(fromHex(id), TRANSACTION);
    const document = await DocumentRecord.read(canonicalBytes({ envelope: members.envelope, signature }));
    expect(await document.verify(CHAIN_ID)).toBe(false);
  });
});

describe("a document", () => {
  it("is opened by its owner only, and only as the one that was asked for [T16]", async () => {
    expect(fromUtf8(await openDocument(CHAIN_ID, record, user, id))).toBe("my will");
    await expect(openDocument(CHAIN_ID, record, other)).rejects.toMatchObject({ reason: "undecryptable" });
    await expect(openDocument(CHAIN_ID, record, user, "0".repeat(64))).rejects.toBeInstanceOf(
      InvalidDocument,
    );
  });

  it("is not opened when its owner has not signed it", async () => {
    const forged = await other.sign(signedDocumentBytes(CHAIN_ID, id), DOCUMENT);
    const bytes = canonicalBytes({
      envelope: members.envelope,
      signature: { ...forged, keyId: user.signingKey.keyId, publicKey: user.signingKey.publicKey },
    });
    await expect(openDocument(CHAIN_ID, bytes, user)).rejects.toMatchObject({ reason: "invalid_signature" });
  });

  it("sealed again has another id: nobody can tell that it is the same", async () => {
    const again = await sealDocument(CHAIN_ID, utf8("my will"), user);
    expect(again.id).not.toBe(id);
  });
});
