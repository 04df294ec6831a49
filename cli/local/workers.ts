import { join } from "node:path";
import { WORKERS, type WorkerName } from "../../shared/pipeline.ts";

export const ROOT = join(import.meta.dirname, "..", "..");

export const WORKER_NAMES = Object.keys(WORKERS) as WorkerName[];

/** The gateway's configuration is the root's, for it is the Worker that owns HTTP. */
export function configPath(worker: WorkerName): string {
  return worker === "gateway" ? join(ROOT, "wrangler.toml") : join(ROOT, "workers", worker, "wrangler.toml");
}
