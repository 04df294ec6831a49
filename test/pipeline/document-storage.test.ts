import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { signedDocumentBytes } from "../../shared/chain/document.ts";
import { sealDocument, type SealedDocument } from "../../shared/client/documents.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { fromUtf8, utf8 } from "../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { DOCUMENT } from "../../shared/crypto/contexts.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import {
  CHAIN_ID,
  newUser,
  postDocument,
  registeredUser,
  storePinned,
  untilPinned,
} from "../support/users/accounts.ts";
import { objectsOf, pinnedFiles } from "../support/chain/chain-state.ts";
import { listed } from "../support/chain/dead-letters.ts";
import { until } from "../support/stack/patience.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import {
  bringDocument,
  corruptDocument,
  indexedDocuments,
  loseDocumentIndex,
  storageStatus,
  unpin,
  verifyAll,
  verifyDocument,
} from "../support/stack/storage.ts";

let pipeline: Pipeline;
let user: UserKeys;
beforeAll(async () => {
  pipeline = await startPipeline();
  user = await registeredUser(pipeline);
});
afterEach(() => pipeline.pinning.clearFaults());
afterAll(() => pipeline.close());

let count = 0;

/** Stores a document. */
async function stored(): Promise<SealedDocument & { readonly cid: string }> {
  const { id, bytes } = await sealDocument(CHAIN_ID, utf8(`document ${++count}`), user);
  const { documentCid: cid } = await storePinned(pipeline, bytes);
  return { id, bytes, cid };
}

async function expectWhole({ id, bytes, cid }: SealedDocument & { readonly cid: string }): Promise<void> {
  const object = await pipeline.r2.get(r2Keys.document(id));
  expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes);
  expect(object?.customMetadata).toEqual({ cid, owner: user.userId });
  expect(await pinnedFiles(pipeline)).toContainEqual(expect.objectContaining({ cid }));
}

const shown = (id: string, init?: RequestInit) => pipeline.fetch(`/api/documents/${id}`, init);

describe("a document that R2 has lost", () => {
  it("is shown from IPFS", async () => {
    const { id, bytes } = await stored();
    await pipeline.r2.delete(r2Keys.document(id));
    const answer = await shown(id);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ etag: `"${id}"`, "x-vdc-tier": "ipfs" });
    expect((await shown(id, { headers: { "if-none-match": `"${id}"` } })).status).toBe(304);
    const head = await shown(id, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
  });

  it("is not said to be unknown while IPFS can't be read, or serves other bytes", async () => {
    const { id } = await stored();
    await pipeline.r2.delete(r2Keys.document(id));
    for (const fault of [
      { kind: "fail", status: 500, on: "all" },
      { kind: "gateway_missing" },
      { kind: "gateway_altered" },
    ] as const) {
      pipeline.pinning.setFault(fault);
      await expectProblem(await shown(id), "unavailable");
      pipeline.pinning.clearFaults();
    }
    expect((await shown(id)).status).toBe(200);
  });

  it("is restored from IPFS, byte for byte", async () => {
    const document = await stored();
    await pipeline.r2.delete(r2Keys.document(document.id));
    expect(await verifyDocument(pipeline, document.id, false)).toMatchObject({
      status: "partial",
      source: "ipfs",
      r2: { present: false, fault: "missing" },
    });
    expect(await pipeline.r2.head(r2Keys.document(document.id))).toBeNull();
    const { documents } = await verifyAll(pipeline);
    expect(documents).toMatchObject({ partial: 0, failed: 0 });
    expect(documents.results).toContainEqual(
      expect.objectContaining({
        documentId: document.id,
        status: "rehydrated",
        rehydrated: { r2: "missing" },
      }),
    );
    await expectWhole(document);
    expect(await verifyDocument(pipeline, document.id)).toMatchObject({ status: "ok" });
  });

  it("is not replaced by the same document with another signature, to which no block commits", async () => {
    const document = await stored();
    await pipeline.r2.delete(r2Keys.document(document.id));
    const { envelope } = JSON.parse(fromUtf8(document.bytes)) as { envelope: Record<string, string> };
    const signature = await user.sign(signedDocumentBytes(CHAIN_ID, document.id), DOCUMENT);
    await expectProblem(await postDocument(pipeline, canonicalBytes({ envelope, signature })), "unavailable");
    await verifyAll(pipeline);
    await expectWhole(document);
  });
});

it("a document whose bytes in R2 were altered is restored, and the altered bytes are kept", async () => {
  const document = await stored();
  const altered = await corruptDocument(pipeline, document.id);
  expect(await verifyDocument(pipeline, document.id)).toMatchObject({
    status: "rehydrated",
    rehydrated: { r2: "corrupt" },
  });
  await expectWhole(document);
  const [evidence] = await objectsOf(pipeline.r2, `evidence/documents/${document.id}/`);
  const kept = await pipeline.r2.get(evidence?.key ?? "");
  expect(new Uint8Array((await kept?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(altered);
});

it("a document whose pin is lost is pinned again", async () => {
  const document = await stored();
  await unpin(pipeline, document.cid);
  expect(await verifyDocument(pipeline, document.id)).toMatchObject({
    status: "rehydrated",
    rehydrated: { ipfs: "missing" },
  });
  await expectWhole(document);
});

it("a document is left as it is while the pinning service can't be reached", async () => {
  const document = await stored();
  pipeline.pinning.setFault({ kind: "fail", status: 500, on: "all" });
  expect(await verifyDocument(pipeline, document.id)).toMatchObject({
    status: "partial",
    ipfs: { fault: "unreachable" },
  });
  pipeline.pinning.clearFaults();
  expect(await verifyDocument(pipeline, document.id)).toMatchObject({ status: "ok" });
});

describe("a document that no tier has", () => {
  it("is counted as failed, alerts, and is restored from a copy that is brought", async () => {
    const document = await stored();
    await pipeline.r2.delete(r2Keys.document(document.id));
    await unpin(pipeline, document.cid);
    expect((await verifyAll(pipeline)).documents).toMatchObject({ failed: 1 });
    expect((await storageStatus(pipeline)).documents).toMatchObject({ failed: 1 });
    const metrics = await (await pipeline.operate("/api/metrics")).text();
    expect(metrics).toContain("vdc_documents_failing 1");
    await expectProblem(await shown(document.id), "unavailable");

    const other = await stored();
    await expectProblem(await bringDocument(pipeline, document.id, other.bytes), "invalid-body");
    const brought = await bringDocument(pipeline, document.id, document.bytes);
    expect([brought.status, await brought.json()]).toMatchObject([
      200,
      { documentId: document.id, stored: true, report: { status: "rehydrated" } },
    ]);
    await expectWhole(document);
    expect((await storageStatus(pipeline)).documents).toMatchObject({ failed: 0, partial: 0 });
  });

  it("is not taken from a user whom no block registers", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("a stranger's"), await newUser());
    await expectProblem(await bringDocument(pipeline, id, bytes), "not-registered");
  });
});

it("a document that R2 loses before it is pinned is counted as failed, and its message is a dead letter", async () => {
  pipeline.pinning.setFault({ kind: "fail", status: 500, on: "all" });
  const { id, bytes } = await sealDocument(CHAIN_ID, utf8("lost before its pin"), user);
  expect((await postDocument(pipeline, bytes)).status).toBe(202);
  await pipeline.r2.delete(r2Keys.document(id));
  pipeline.pinning.clearFaults();
  await until(async () =>
    expect(await listed(pipeline)).toContainEqual(expect.objectContaining({ reason: "unrepairable" })),
  );
  expect((await storageStatus(pipeline)).documents).toMatchObject({ failed: 1 });
  expect((await bringDocument(pipeline, id, bytes)).status).toBe(200);
  await untilPinned(pipeline, id);
});

it("every stored document is listed, page by page", async () => {
  const { id, cid } = await stored();
  const documents = await indexedDocuments(pipeline, 2);
  expect(documents).toContainEqual(
    expect.objectContaining({ documentId: id, documentCid: cid, status: "ok" }),
  );
  const keys = await objectsOf(pipeline.r2, "documents/");
  expect(documents.map(({ documentId }) => r2Keys.document(documentId))).toEqual(keys.map(({ key }) => key));
  expect((await storageStatus(pipeline)).documents?.total).toBe(keys.length);
});

it("an index that was lost says of no document that there is none before the pins are listed", async () => {
  const unknown = "0".repeat(64);
  await expectProblem(await shown(unknown), "not-found");
  pipeline.pinning.setFault({ kind: "fail", status: 500, on: "list" });
  await loseDocumentIndex(pipeline);
  await expectProblem(await shown(unknown), "unavailable");
  const { list: before } = pipeline.pinning.stats().requests;
  await Promise.all(Array.from({ length: 20 }, () => shown(unknown)));
  expect(pipeline.pinning.stats().requests.list - before).toBeLessThan(5); // what strangers ask lists nothing again
  pipeline.pinning.clearFaults();
  await until(async () => expectProblem(await shown(unknown), "not-found"));
});

it("an index that was lost is made anew from R2, and verification goes on with it", async () => {
  const document = await stored();
  await loseDocumentIndex(pipeline);
  await until(async () =>
    expect((await indexedDocuments(pipeline)).map(({ documentId }) => documentId)).toContain(document.id),
  );
  await pipeline.r2.delete(r2Keys.document(document.id));
  expect(await verifyDocument(pipeline, document.id)).toMatchObject({ status: "rehydrated" });
  await expectWhole(document);
  expect(await cidV0(document.bytes)).toBe(document.cid);
});
