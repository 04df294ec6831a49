import { experimental_readRawConfig } from "wrangler";
import { configPath, ROOT, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import type { WorkerName } from "../../shared/pipeline.ts";
import type { WorkerConfig } from "./platform/worker.ts";

/** A Worker's module and the contents of its `wrangler.toml`. */
export interface Described {
  readonly name: WorkerName;
  readonly file: string;
  readonly config: WorkerConfig;
}

/** Every Worker, configured as it would be deployed. */
export function everyWorker(): Described[] {
  return WORKER_NAMES.map((name) => ({
    name,
    file: name === "gateway" ? `${ROOT}/workers/gateway/index.ts` : `${ROOT}/workers/${name}/index.ts`,
    config: experimental_readRawConfig({ config: configPath(name) }).rawConfig as WorkerConfig,
  }));
}
