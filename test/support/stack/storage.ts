import { expect } from "vitest";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { workerName } from "../../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type {
  BlockReport,
  DocumentPage,
  DocumentReport,
  StorageRun,
  StorageStatus,
  VerifyAllResult,
} from "../../../shared/api/storage-report.ts";
import type { TierName } from "../../../shared/storage/tier.ts";
import { CHAIN_ID } from "../users/accounts.ts";
import { until } from "./patience.ts";
import type { Pipeline } from "./pipeline.ts";

/** Sends an operator's request, and expects this status. */
async function ask<T>(pipeline: Pipeline, method: string, path: string, expected = 200): Promise<T> {
  const response = await pipeline.operate(path, { method });
  const body: unknown = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(expected);
  return body as T;
}

export function verify(pipeline: Pipeline, n: number, repair = true): Promise<BlockReport> {
  return ask(pipeline, "POST", `/api/storage-verify/verify/${n}?repair=${repair}`);
}

export function verifyAll(pipeline: Pipeline, repair = true): Promise<VerifyAllResult> {
  return ask(pipeline, "POST", `/api/storage-verify/verify-all?repair=${repair}`);
}

export function startRun(pipeline: Pipeline): Promise<StorageRun> {
  return ask(pipeline, "POST", "/api/storage-verify/verify-all", 202);
}

export function findRun(pipeline: Pipeline, id: string): Promise<StorageRun> {
  return ask(pipeline, "GET", `/api/storage-verify/runs/${id}`);
}

export function runs(pipeline: Pipeline): Promise<{ runs: StorageRun[] }> {
  return ask(pipeline, "GET", "/api/storage-verify/runs");
}

/** Asks VDC to rebuild a lost chain head. */
export function restore(pipeline: Pipeline): Promise<Response> {
  return pipeline.operate("/api/storage-verify/restore", {
    method: "POST",
    body: JSON.stringify({ reason: "the chain head has lost its storage" }),
  });
}

/** Uploads a block's bytes that an operator got elsewhere. */
export function bring(pipeline: Pipeline, n: number, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  return pipeline.operate(`/api/storage-verify/blocks/${n}`, { method: "PUT", body });
}

/** Waits for the end of a run. The limit of a hang applies to each step of the run, not to the run. */
export async function untilRunEnds(pipeline: Pipeline, id: string): Promise<StorageRun> {
  for (let run = await findRun(pipeline, id); ;) {
    if (run.state !== "running") return run;
    const { next } = run;
    await until(async () => {
      run = await findRun(pipeline, id);
      expect(run.state !== "running" || run.next > next).toBe(true);
    });
  }
}

export function storageStatus(pipeline: Pipeline, query = ""): Promise<StorageStatus> {
  return ask(pipeline, "GET", `/api/storage-verify/status${query}`);
}

/** Returns a block's bytes in R2. */
export async function archivedBytes({ r2 }: Pipeline, n: number): Promise<Uint8Array<ArrayBuffer>> {
  const object = await r2.get(r2Keys.block(n));
  if (object === null) throw new Error(`R2 has no block ${n}`);
  return new Uint8Array(await object.arrayBuffer());
}

/** Deletes a block's pin, as if the service had lost it. */
export async function unpin({ pinning, secrets }: Pipeline, cid: string): Promise<void> {
  const headers = { authorization: `Bearer ${secrets.PINATA_JWT}` };
  const listed = await fetch(`${pinning.endpointUrl}/files/public?cid=${cid}`, { headers });
  const { data }: { data: { files: { id: string }[] } } = await listed.json();
  for (const { id } of data.files)
    await fetch(`${pinning.endpointUrl}/files/public/${id}`, { method: "DELETE", headers });
}

/** Deletes a block's copy from a tier. */
export async function lose(pipeline: Pipeline, tier: TierName, n: number): Promise<void> {
  if (tier === "kv") await pipeline.kv.delete(kvKeys.block(n));
  if (tier === "ipfs") await unpin(pipeline, await cidV0(await archivedBytes(pipeline, n)));
  if (tier === "r2") await pipeline.r2.delete(r2Keys.block(n));
}

/** Changes a block's copy in a tier, unnoticed by VDC. */
export async function corrupt(pipeline: Pipeline, tier: TierName, n: number): Promise<void> {
  const bytes = await archivedBytes(pipeline, n);
  if (tier === "r2") await pipeline.r2.put(r2Keys.block(n), flipped(bytes));
  if (tier === "ipfs")
    pipeline.pinning.setFault({ kind: "gateway_altered", cid: await cidV0(bytes), times: 1 });
  if (tier === "kv") {
    const { value, metadata } = await pipeline.kv.getWithMetadata<Record<string, unknown>, object>(
      kvKeys.block(n),
      "json",
    );
    const altered = { ...value, timestamp: Number(value?.timestamp) + 1 };
    await pipeline.kv.put(kvKeys.block(n), JSON.stringify(altered), { metadata });
  }
}

function flipped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const altered = new Uint8Array(bytes);
  const middle = Math.floor(altered.length / 2);
  altered[middle] = (altered[middle] ?? 0) ^ 1;
  return altered;
}

export function verifyDocument(pipeline: Pipeline, id: string, repair = true): Promise<DocumentReport> {
  return ask(pipeline, "POST", `/api/storage-verify/documents/${id}/verify?repair=${repair}`);
}

/** Uploads a document's record that an operator got elsewhere. */
export function bringDocument(
  pipeline: Pipeline,
  id: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  return pipeline.operate(`/api/storage-verify/documents/${id}`, { method: "PUT", body });
}

/** Lists every document that the deployment knows, in the order of ids. */
export async function indexedDocuments(
  pipeline: Pipeline,
  limit = 1_000,
): Promise<DocumentPage["documents"]> {
  const documents: DocumentPage["documents"] = [];
  for (let after: string | null = ""; after !== null;) {
    const query = new URLSearchParams({ limit: String(limit), ...(after !== "" && { after }) });
    const page: DocumentPage = await ask(
      pipeline,
      "GET",
      `/api/storage-verify/documents?${query.toString()}`,
    );
    documents.push(...page.documents);
    after = page.next;
  }
  return documents;
}

/** Changes a document's object in R2. @returns the changed bytes */
export async function corruptDocument({ r2 }: Pipeline, id: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await r2.get(r2Keys.document(id));
  if (object === null) throw new Error(`R2 has no document ${id}`);
  const altered = flipped(new Uint8Array(await object.arrayBuffer()));
  await r2.put(r2Keys.document(id), altered, { customMetadata: object.customMetadata ?? {} });
  return altered;
}

/** The index of documents loses its storage: what runs next finds none, as a new object does. */
export async function loseDocumentIndex({ harness }: Pipeline): Promise<void> {
  const worker = harness.getWorker(workerName("storage-verifier"));
  const index = ["DocumentIndex", { name: CHAIN_ID }] as const;
  const sql = await worker.getDurableObjectStorage(...index);
  for (const table of ["document", "document_count", "rehydrated", "reindex", "to_pin", "schema_migration"])
    await sql.exec(`DROP TABLE ${table}`);
  await worker.evictDurableObject(...index);
}
