import { VdcProblem, VdcUnreachable } from "../../shared/client/problem.ts";
import type { VdcClient } from "../../shared/client/vdc-client.ts";
import { soundRecord } from "../../shared/storage/documents.ts";
import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { startProgress } from "../output/progress.ts";
import { note } from "../output/show.ts";
import { counted } from "../output/words.ts";
import type { DocumentFolder } from "./folder.ts";
import { listedDocuments, type ListedDocument } from "./listed.ts";

export interface ExportedDocuments {
  readonly folder: string;
  readonly documents: number;
  /** Fetched by this export; the others were in the folder already, and sound. */
  readonly fetched: number;
  /** Documents that could not be exported, and what is said to be wrong. */
  readonly missing: number;
}

/**
 * Brings a folder up to date: each document that the deployment has stored, verified. What is there already, and sound, is not
 * fetched again, so an export that was interrupted goes on where it stopped.
 */
export async function exportDocuments(
  operator: Client,
  reader: VdcClient,
  folder: DocumentFolder,
): Promise<ExportedDocuments> {
  await folder.make();
  const chainId = await reader.chainId();
  const { documents: totals } = await operator.call("GET /api/storage-verify/status", {
    query: { limit: 1 },
  });
  const progress = startProgress({ doing: "exporting", total: totals?.total ?? 0, of: "documents" });
  const outcome = { documents: 0, fetched: 0, missing: 0 };
  let isUnverified = false;
  try {
    for await (const listed of listedDocuments(operator)) {
      progress.to(++outcome.documents);
      if (await isThere(folder, listed, chainId)) continue;
      const problem = await fetchInto(folder, listed, chainId, reader);
      if (problem === undefined) outcome.fetched++;
      else {
        outcome.missing++;
        isUnverified ||= problem.isUnverified;
        note(`document ${listed.documentId}: ${problem.text}`);
      }
    }
  } finally {
    progress.end();
  }
  if (outcome.missing > 0)
    throw new CommandFailure(
      `${counted(outcome.missing, "document")} of ${outcome.documents} could not be exported; the others are in ${folder.path}. Verify them with \`vdc storage verify-all\`, then say the same again: it goes on from there`,
      isUnverified ? EXIT.unverified : EXIT.unknown,
    );
  return { folder: folder.path, ...outcome };
}

async function isThere(
  folder: DocumentFolder,
  { documentId: id, documentCid: cid }: ListedDocument,
  chainId: string,
): Promise<boolean> {
  const bytes = await folder.read(id);
  return bytes !== undefined && typeof (await soundRecord(bytes, { id, cid }, chainId)) !== "string";
}

async function fetchInto(
  folder: DocumentFolder,
  { documentId: id, documentCid: cid }: ListedDocument,
  chainId: string,
  reader: VdcClient,
): Promise<{ readonly text: string; readonly isUnverified: boolean } | undefined> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await reader.getDocument(id);
  } catch (error) {
    if (!(error instanceof VdcProblem || error instanceof VdcUnreachable)) throw error;
    return { text: error.message, isUnverified: false };
  }
  const record = await soundRecord(bytes, { id, cid }, chainId);
  if (typeof record === "string") return { text: record, isUnverified: true };
  await folder.write(id, bytes);
  return undefined;
}
