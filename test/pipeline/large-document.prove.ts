import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { MAX_DOCUMENT_BYTES, MAX_RECORD_BYTES } from "../../shared/chain/document.ts";
import { openDocument, sealDocument } from "../../shared/client/documents.ts";
import { equalBytes } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { CHAIN_ID, registeredUser, storePinned } from "../support/users/accounts.ts";
import { startPipeline } from "../support/stack/pipeline.ts";

it("stores a document of the largest size in R2 and on IPFS, and its owner reads it back", async () => {
  const pipeline = await startPipeline({ vars: { PIN_DEADLINE_SECONDS: "300" } });
  try {
    const user = await registeredUser(pipeline);
    const document = randomBytes(MAX_DOCUMENT_BYTES);
    const { id, bytes } = await sealDocument(CHAIN_ID, document, user);
    const cid = await cidV0(bytes);
    expect(await storePinned(pipeline, bytes)).toMatchObject({
      id,
      documentCid: cid,
      bytes: MAX_RECORD_BYTES,
      owner: user.userId,
    });
    const shown = await pipeline.fetch(`/api/documents/${id}`);
    const record = new Uint8Array(await shown.arrayBuffer());
    expect(equalBytes(await openDocument(CHAIN_ID, record, user, id), document)).toBe(true);
    const pinned = await fetch(`${pipeline.pinning.gatewayUrl}/ipfs/${cid}`);
    expect(equalBytes(new Uint8Array(await pinned.arrayBuffer()), bytes)).toBe(true);
  } finally {
    await pipeline.close();
  }
});
