import { beforeAll, describe, expect, it } from "vitest";
import { DocumentRecord, signedDocumentBytes } from "../../../../shared/chain/document.ts";
import { payloadOfSubmission, type Submission } from "../../../../shared/chain/submission.ts";
import { signedTransactionBytes, type UserSignature } from "../../../../shared/chain/transaction.ts";
import { userFault, verifySignature } from "../../../../shared/chain/user-signature.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../../../shared/client/user-keys.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../../../shared/crypto/canonical.ts";
import { DOCUMENT, TRANSACTION, USER_METADATA } from "../../../../shared/crypto/contexts.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import { SEALED_NAMES } from "../../../../shared/chain/sealed-names.ts";
import { signedMetadataBytes, verifyUserMetadata } from "../../../../shared/chain/user-metadata.ts";
import { CHAIN_ID } from "../../../support/chain/chain.ts";

let ann: UserKeys;
let eve: UserKeys;
beforeAll(async () => {
  [ann, eve] = await Promise.all([importUserKeys(generateUserKeys()), importUserKeys(generateUserKeys())]);
});

/** Makes a valid signature with Eve's own key, and names Ann's key id. */
async function asAnn(message: Uint8Array, context: string): Promise<UserSignature> {
  return { ...(await eve.sign(message, context)), keyId: ann.userId };
}

describe("who signs with a key of his own under the key id of somebody else", () => {
  it("has signed nothing", async () => {
    const message = utf8("a deed");
    expect(await verifySignature(await eve.sign(message, TRANSACTION), message, TRANSACTION)).toBe(true);
    expect(await verifySignature(await asAnn(message, TRANSACTION), message, TRANSACTION)).toBe(false);
  });

  it("has no transaction of theirs", async () => {
    const unsigned = { type: "asset_creation", timestamp: 1, data: { assetId: "deed-1" } } as const;
    const draft = { ...unsigned, signatures: { user: await asAnn(utf8(""), TRANSACTION) } } as Submission;
    const { transaction } = payloadOfSubmission(CHAIN_ID, draft);
    const user = await asAnn(signedTransactionBytes(transaction), TRANSACTION);
    const forged = payloadOfSubmission(CHAIN_ID, { ...unsigned, signatures: { user } }).transaction;
    expect(await userFault(forged, CHAIN_ID)).toBe("wrong_signature");
  });

  it("has no document of theirs", async () => {
    const envelope = await ann.seal(SEALED_NAMES.document(ann.userId), utf8("not Ann's will"));
    const signature = await asAnn(
      signedDocumentBytes(CHAIN_ID, sha256Hex(canonicalBytes(envelope))),
      DOCUMENT,
    );
    const record = await DocumentRecord.read(canonicalBytes({ envelope, signature }));
    expect(record.owner).toBe(ann.userId);
    expect(await record.verify(CHAIN_ID)).toBe(false);
  });

  it("has no metadata of theirs", async () => {
    const envelope = await ann.seal(SEALED_NAMES.userMetadata(ann.userId), utf8("{}"));
    const unsigned = { userId: ann.userId, version: 1, envelope };
    const signature = await asAnn(signedMetadataBytes(CHAIN_ID, unsigned), USER_METADATA);
    expect(await verifyUserMetadata(CHAIN_ID, { ...unsigned, signature })).toBe(false);
  });
});
