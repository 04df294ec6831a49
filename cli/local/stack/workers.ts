import { join } from "node:path";
import { WORKERS, type StandaloneWorker, type WorkerName } from "../../../shared/pipeline.ts";

export const ROOT = join(import.meta.dirname, "..", "..", "..");

export const WORKER_NAMES = Object.keys(WORKERS) as WorkerName[];

/** The path of a Worker's configuration. The gateway's is the one in the root folder, because the gateway owns HTTP. */
export function configPath(worker: WorkerName | StandaloneWorker): string {
  return worker === "gateway" ? join(ROOT, "wrangler.toml") : join(ROOT, "workers", worker, "wrangler.toml");
}
