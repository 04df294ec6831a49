import type { Client } from "../http/client.ts";
import { follow } from "../http/follow.ts";
import { note } from "../output/show.ts";
import type { StorageRun } from "../../shared/api/storage-report.ts";

export function readRun(client: Client, id: string): Promise<StorageRun> {
  return client.call("GET /api/storage-verify/runs/:runId", { params: { runId: id } });
}

/** @returns the ended run: done, failed or aborted */
export function followRun(client: Client, run: StorageRun): Promise<StorageRun> {
  note(
    `Run ${run.id} goes on by itself when you leave; \`vdc storage runs ${run.id}\` shows it, \`vdc storage abort ${run.id}\` ends it.`,
  );
  return follow(run, {
    doing: run.kind === "restore" ? "restoring" : "verifying",
    of: "blocks",
    total: run.totalBlocks,
    done: ({ next, firstBlock }) => next - firstBlock,
    read: () => readRun(client, run.id),
  });
}
