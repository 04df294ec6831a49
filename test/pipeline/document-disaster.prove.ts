import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDocument, sealDocument, type SealedDocument } from "../../shared/client/documents.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import {
  CHAIN_ID,
  creation,
  registeredUser,
  signed,
  storePinned,
  submitSigned,
} from "../support/users/accounts.ts";
import { objectsOf, pinnedFiles } from "../support/chain/chain-state.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { vdc, type Ran } from "../support/stack/command-line.ts";
import { until } from "../support/stack/patience.ts";
import { mine, status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { indexedDocuments, loseDocumentIndex, storageStatus, unpin } from "../support/stack/storage.ts";
import { loseR2 } from "../support/chain/transplant.ts";

/** More than fit into one chunk of a verification. */
const DOCUMENTS = 12;
const VARS = { STALL_AFTER_SECONDS: "60" };

interface Kept extends SealedDocument {
  readonly cid: string;
  readonly text: string;
}

let pipeline: Pipeline;
let user: UserKeys;
let directory: string;
const documents: Kept[] = [];
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vdc-documents-"));
  pipeline = await startPipeline({ vars: VARS });
  user = await registeredUser(pipeline);
  for (let n = 0; n < DOCUMENTS; n++) {
    const text = `document ${n}`;
    const sealed = await sealDocument(CHAIN_ID, utf8(text), user);
    const { documentCid: cid } = await storePinned(pipeline, sealed.bytes);
    documents.push({ ...sealed, cid, text });
  }
  // A block commits to the first document.
  const asset = creation("deed-1");
  const data = { ...asset.data, documentCid: documents[0]?.cid ?? "" };
  await submitSigned(pipeline, await signed(user, { ...asset, data } as typeof asset));
  await until(async () => expect((await status(pipeline)).counts.waiting).toBe(1));
  await mine(pipeline);
});
afterAll(async () => {
  await pipeline.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a command as an operator does. */
function command(of: Pipeline, ...args: string[]): Promise<Ran> {
  const { ADMIN_SECRET } = of.secrets;
  return vdc([...args, "--url", of.url], { VDC_ADMIN_SECRET: ADMIN_SECRET, VDC_OPERATOR: "ada" });
}

async function succeed(of: Pipeline, ...args: string[]): Promise<Ran> {
  const ran = await command(of, ...args);
  expect(ran.code, ran.stderr + ran.stdout).toBe(0);
  return ran;
}

/** Expects every document in R2 and pinned, byte for byte, and that its owner can open it. */
async function expectWhole(of: Pipeline): Promise<void> {
  const pinned = (await pinnedFiles(of)).map(({ cid }) => cid);
  for (const { id, bytes, cid, text } of documents) {
    const object = await of.r2.get(r2Keys.document(id));
    expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes);
    expect(object?.customMetadata).toEqual({ cid, owner: user.userId });
    expect(pinned).toContain(cid);
    const shown = await of.fetch(`/api/documents/${id}`);
    const record = new Uint8Array(await shown.arrayBuffer());
    expect(await openDocument(CHAIN_ID, record, user, id)).toEqual(utf8(text));
  }
  expect((await storageStatus(of)).documents).toMatchObject({ total: DOCUMENTS, failed: 0, partial: 0 });
}

async function loseInR2(): Promise<void> {
  await loseR2(pipeline, r2Keys.documentPrefix);
  expect(await objectsOf(pipeline.r2, r2Keys.documentPrefix)).toEqual([]);
}

async function losePins(): Promise<void> {
  for (const { cid } of documents) await unpin(pipeline, cid);
}

describe("documents that are lost", () => {
  it("in R2 are shown from IPFS, and restored from there by one command", async () => {
    await loseInR2();
    for (const { id } of documents) expect((await pipeline.fetch(`/api/documents/${id}`)).status).toBe(200);
    expect((await command(pipeline, "storage", "verify-all", "--no-repair")).code).toBe(6);
    await succeed(pipeline, "storage", "verify-all");
    await expectWhole(pipeline);
  });

  it("on IPFS are pinned again from R2", async () => {
    await losePins();
    await succeed(pipeline, "storage", "verify-all");
    await expectWhole(pipeline);
  });

  it("in R2 together with their index are found by their pins, shown, and restored by one command", async () => {
    await loseInR2();
    await loseDocumentIndex(pipeline);
    await until(async () => expect(await indexedDocuments(pipeline)).toHaveLength(DOCUMENTS));
    for (const { id } of documents) expect((await pipeline.fetch(`/api/documents/${id}`)).status).toBe(200);
    await succeed(pipeline, "storage", "verify-all");
    await expectWhole(pipeline);
  });

  it("in both are named, and restored from an export", async () => {
    const folder = join(directory, "documents");
    const car = join(directory, "chain.car");
    await succeed(pipeline, "export", car, "--documents", folder);
    expect(readdirSync(folder)).toHaveLength(DOCUMENTS);
    await loseInR2();
    await losePins();
    const { code, stderr } = await command(pipeline, "storage", "verify-all");
    expect([code, stderr]).toEqual([6, expect.stringContaining(`${DOCUMENTS} documents can't be read`)]);
    const doctor = await command(pipeline, "doctor", "--json");
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; state: string }[] };
    expect(findings).toContainEqual(expect.objectContaining({ check: "documents", state: "bad" }));
    await succeed(pipeline, "storage", "bring-documents", folder);
    await succeed(pipeline, "storage", "verify-all", "--no-repair");
    await expectWhole(pipeline);
  });

  it("with the chain and everything else are restored from an export into an empty deployment", async () => {
    const folder = join(directory, "documents");
    const car = join(directory, "chain.car");
    await succeed(pipeline, "export", car, "--documents", folder, "--yes");
    const other = await startPipeline({ vars: VARS, secrets: pipeline.secrets });
    try {
      await succeed(other, "restore", car, "--documents", folder, "--reason", "all is lost", "--yes");
      await expectWhole(other);
      await until(async () => expect((await status(other)).inFlight).toEqual([]));
      expect((await checkChain(other)).length).toBe((await checkChain(pipeline)).length);
    } finally {
      await other.close();
    }
  });
});
