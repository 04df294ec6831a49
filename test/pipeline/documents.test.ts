import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_DOCUMENT_BYTES, MAX_RECORD_BYTES, type StoredDocument } from "../../shared/chain/document.ts";
import { openDocument, sealDocument } from "../../shared/client/documents.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { equalBytes, hex, utf8 } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { postDocument, registeredUser } from "../support/accounts.ts";
import { startPipeline, type Pipeline } from "../support/pipeline.ts";

let pipeline: Pipeline;
let user: UserKeys;
beforeAll(async () => {
  pipeline = await startPipeline();
  user = await registeredUser(pipeline);
}, 60_000);
afterAll(() => pipeline.close());

describe("a document", () => {
  it("of the largest size is stored in R2 and on IPFS, and only its owner opens it", async () => {
    const document = randomBytes(MAX_DOCUMENT_BYTES);
    const t0 = performance.now();
    const { id, bytes } = await sealDocument(document, user);
    const t1 = performance.now();
    const answer = await postDocument(pipeline, bytes);
    const stored = await answer.json<StoredDocument>();
    console.log("seal", t1 - t0, "post", performance.now() - t1);
    expect([answer.status, stored]).toMatchObject([200, { id }]);
    const shown = await pipeline.fetch(`/api/documents/${id}`);
    const record = new Uint8Array(await shown.arrayBuffer());
    expect(equalBytes(record, bytes)).toBe(true);
    expect(equalBytes(await openDocument(record, user, id), document)).toBe(true);
    console.log(Object.fromEntries(shown.headers));
  });
});

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
  return bytes;
}
