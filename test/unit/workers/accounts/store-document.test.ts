import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DocumentRecord, signedDocumentBytes } from "../../../../shared/chain/document.ts";
import { sealDocument } from "../../../../shared/client/documents.ts";
import { generateUserKeys, importUserKeys } from "../../../../shared/client/user-keys.ts";
import { fromUtf8, utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../../../shared/crypto/canonical.ts";
import { cidV0 } from "../../../../shared/crypto/cid.ts";
import { DOCUMENT } from "../../../../shared/crypto/contexts.ts";
import type { FoundDocument, OwnedDocument } from "../../../../shared/storage/documents.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { PolicyViolation } from "../../../../shared/storage/policies.ts";
import { storeDocument, StoredOtherwise } from "../../../../workers/accounts/documents/store-document.ts";
import { CHAIN_ID } from "../../../support/users/accounts.ts";
import { MemoryBucket } from "../../../support/stack/memory-bucket.ts";

let owned: OwnedDocument;
/** The same envelope with another signature: the same id, other bytes, another CID. */
let signedAgain: OwnedDocument;
beforeAll(async () => {
  const user = await importUserKeys(generateUserKeys());
  const { id, bytes } = await sealDocument(CHAIN_ID, utf8("my will"), user);
  const { envelope } = JSON.parse(fromUtf8(bytes)) as { envelope: Record<string, string | number> };
  const signature = await user.sign(signedDocumentBytes(CHAIN_ID, id), DOCUMENT);
  const ownedOf = async (record: Uint8Array<ArrayBuffer>) => ({
    document: await DocumentRecord.read(record),
    cid: await cidV0(record),
    encryptionKeyId: user.encryptionKey.keyId,
  });
  owned = await ownedOf(bytes);
  signedAgain = await ownedOf(canonicalBytes({ envelope, signature }));
  if (signedAgain.document.id !== owned.document.id || signedAgain.cid === owned.cid)
    throw new Error("these are not two records of one document");
});

let bucket: MemoryBucket;
let done: string[];
let indexed: FoundDocument | null | "reindexing";
beforeEach(() => {
  [bucket, done, indexed] = [new MemoryBucket(), [], null];
  bucket.before = (call) => void done.push(call);
});

const key = () => r2Keys.document(owned.document.id);
const store = (sent: OwnedDocument) =>
  storeDocument(
    bucket as unknown as R2Bucket,
    {
      noteArriving: async () => {
        done.push("noteArriving");
        return indexed;
      },
    },
    sent,
  );
const factsOf = ({ cid, document: { owner, bytes } }: OwnedDocument) => ({ cid, owner, bytes: bytes.length });
const inTheIndex = ({ document, cid }: OwnedDocument): FoundDocument => ({
  id: document.id,
  cid,
  bytes: document.bytes.length,
  status: "ok",
});

describe("storing a document", () => {
  it("tells the index before it puts the record into R2, and answers what R2 holds", async () => {
    expect(await store(owned)).toEqual(factsOf(owned));
    expect(done).toEqual(["noteArriving", "put", "head"]);
    expect(bucket.bytes(key())).toEqual(owned.document.bytes);
  });

  it("puts nothing into R2 when the index could not be told, or is being rebuilt", async () => {
    indexed = "reindexing";
    await expect(store(owned)).rejects.toThrow("made anew");
    expect(bucket.keys()).toEqual([]);
  });

  it("answers the first record to both requests when two signatures of a document come at once", async () => {
    const answers = await Promise.all([store(owned), store(signedAgain)]);
    expect(answers).toEqual([factsOf(owned), factsOf(owned)]);
    expect(bucket.bytes(key())).toEqual(owned.document.bytes);
  });

  it("answers a put that R2 reports as failed by what R2 holds afterwards", async () => {
    bucket.before = (call, at) => {
      if (call !== "put") return;
      const { cid, document } = owned;
      bucket.set(at, document.bytes, { cid, owner: document.owner });
      throw new Error("R2 failed");
    };
    expect(await store(owned)).toEqual(factsOf(owned));
  });

  it("fails with R2's error when R2 did not take the record", async () => {
    bucket.before = (call) => {
      if (call === "put") throw new Error("R2 failed");
    };
    await expect(store(owned)).rejects.toThrow("R2 failed");
  });

  it("refuses a record whose envelope is sealed to another key than the owner's, and puts nothing", async () => {
    await expect(store({ ...owned, encryptionKeyId: "0".repeat(64) })).rejects.toBeInstanceOf(
      PolicyViolation,
    );
    expect(bucket.keys()).toEqual([]);
  });
});

describe("a document that R2 has lost", () => {
  it("is stored again by the record that the index knows", async () => {
    indexed = inTheIndex(owned);
    expect(await store(owned)).toEqual(factsOf(owned));
  });

  it("is not replaced by another signature, to whose CID no block commits", async () => {
    indexed = inTheIndex(owned);
    await expect(store(signedAgain)).rejects.toBeInstanceOf(StoredOtherwise);
    expect(bucket.keys()).toEqual([]);
  });
});
