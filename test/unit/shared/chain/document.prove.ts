import { beforeAll, describe, expect, it } from "vitest";
import {
  DocumentRecord,
  InvalidDocument,
  MAX_DOCUMENT_BYTES,
  MAX_RECORD_BYTES,
} from "../../../../shared/chain/document.ts";
import { openDocument, sealDocument } from "../../../../shared/client/documents.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../../../shared/client/user-keys.ts";
import { CHAIN_ID } from "../../../support/users/accounts.ts";
import { concat, equalBytes, utf8 } from "../../../../shared/crypto/bytes.ts";

let user: UserKeys;
beforeAll(async () => {
  user = await importUserKeys(generateUserKeys());
});

describe("a document's record", () => {
  it("is sealed and opened for the largest document", async () => {
    const largest = new Uint8Array(MAX_DOCUMENT_BYTES);
    const { bytes } = await sealDocument(CHAIN_ID, largest, user);
    expect(bytes).toHaveLength(MAX_RECORD_BYTES);
    expect(equalBytes(await openDocument(CHAIN_ID, bytes, user), largest)).toBe(true);
    await expect(DocumentRecord.read(concat(bytes, utf8(" ")))).rejects.toThrow(InvalidDocument);
  });

  it("is no record with any byte changed, or not what its owner signed", async () => {
    const { bytes: record } = await sealDocument(CHAIN_ID, utf8("my will"), user);
    for (let i = 0; i < record.length; i++) {
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
});
