import type { Client } from "../http/client.ts";
import { CommandFailure, EXIT } from "../output/failure.ts";
import { startProgress } from "../output/progress.ts";
import { note } from "../output/show.ts";
import { counted } from "../output/words.ts";
import type { DocumentFolder } from "./folder.ts";

export interface BroughtDocuments {
  readonly folder: string;
  readonly documents: number;
  /** They were whole in R2 and on IPFS before. */
  readonly sound: number;
  readonly restored: number;
  /** Some tier does not have it yet: the next verification goes on with it. */
  readonly partial: number;
  /** The deployment did not take them. */
  readonly refused: number;
}

const TIMEOUT_MS = 300_000; // a large record, read, put and pinned

/** Gives every document of the folder to the deployment, which checks each and restores what it lacks. May be repeated. */
export async function bringDocuments(operator: Client, folder: DocumentFolder): Promise<BroughtDocuments> {
  let total = 0;
  for await (const _ of folder.ids()) total++;
  const progress = startProgress({ doing: "bringing", total, of: "documents" });
  const counts = { documents: 0, sound: 0, restored: 0, partial: 0, refused: 0 };
  let worst: CommandFailure | undefined;
  try {
    for await (const id of folder.ids()) {
      counts.documents++;
      try {
        counts[await bringOne(operator, folder, id)]++;
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        counts.refused++;
        if (worst === undefined || worst.exitCode === EXIT.unknown) worst = error;
        note(`document ${id}: ${error.message}`);
      }
      progress.to(counts.documents);
    }
  } finally {
    progress.end();
  }
  if (worst !== undefined)
    throw new CommandFailure(
      `${counted(counts.refused, "document")} of ${counts.documents} could not be brought: the messages above say why. The same command again goes on`,
      worst.exitCode,
    );
  return { folder: folder.path, ...counts };
}

async function bringOne(
  operator: Client,
  folder: DocumentFolder,
  id: string,
): Promise<"sound" | "restored" | "partial"> {
  const bytes = await folder.read(id);
  if (bytes === undefined) throw new CommandFailure("its file is gone");
  const { report } = await operator.call("PUT /api/storage-verify/documents/:documentId", {
    params: { documentId: id },
    body: bytes,
    timeoutMs: TIMEOUT_MS,
  });
  const { status, message } = report;
  if (status === "partial" || status === "failed") note(`document ${id}: ${message}`);
  return status === "ok" ? "sound" : status === "rehydrated" ? "restored" : "partial";
}
