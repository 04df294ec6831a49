import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  type MiniflareOptions,
  type WorkerdStructuredLog,
} from "miniflare";
import { workerName, type WorkerName } from "../../../shared/pipeline.ts";
import type { Bundles } from "./build.ts";
import { secretsFor, type LocalSecrets } from "./secrets.ts";
import { WORKER_NAMES } from "./workers.ts";

type V4Options = Extract<Parameters<typeof convertV4MiniflareOptions>[0], { workers: unknown }>;
export type WorkerOptions = V4Options["workers"][number];
/** A Worker's own configuration, as wrangler reads it from the `wrangler.toml`. */
type Configured = Omit<WorkerOptions, "bindings"> & { bindings: Readonly<Record<string, string>> };

/** The file beside a bundle that holds the Worker's `Configured`; `build.ts` writes it. */
export const OPTIONS_FILE = "options.json";

export interface Platform {
  readonly bundles: Bundles;
  readonly secrets: LocalSecrets;
  /** Replaces variables of the wrangler.toml files, in every Worker that has a variable of that name. */
  readonly vars: Readonly<Record<string, string | undefined>>;
  /** 0: any free port. */
  readonly port: number;
  /** Directory of KV, R2 and the Durable Objects. */
  readonly storage: string;
  /** Port of the DevTools inspector; 0: any free port. */
  readonly inspectorPort?: number | undefined;
  /** Lets a test read and change the tables of the Durable Objects. */
  readonly inspectable?: boolean;
  readonly onLog: (line: WorkerdStructuredLog) => void;
  /** The caller's additional Workers. Receives the gateway's options. */
  readonly others?: (gateway: WorkerOptions) => readonly WorkerOptions[];
  /** Changes a Worker's options last. */
  readonly adapt?: (options: WorkerOptions, worker: WorkerName) => WorkerOptions;
}

/** Runs every Worker in one workerd, with the bundles and configurations of a deployment. */
export function platformOptions(platform: Platform): MiniflareOptions {
  const { adapt = (options) => options } = platform;
  const workers = WORKER_NAMES.map((worker) => adapt(workerOptions(worker, platform), worker));
  const others = platform.others?.(workerOptions("gateway", platform)) ?? [];
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: platform.port,
    ...(platform.inspectorPort !== undefined && { inspectorPort: platform.inspectorPort }),
    resourcePersistencePath: platform.storage,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: platform.onLog,
    telemetry: { enabled: false },
    cf: false, // otherwise miniflare asks the internet for a sample of `request.cf` at each start
    unsafeInspectDurableObjects: platform.inspectable ?? false,
    unsafeTriggerHandlers: true, // for cron triggers; miniflare refuses them to web pages
    workers: [...workers, ...others],
  });
}

/** The Worker's configuration, with the platform's variables and the secrets that its work needs. */
function workerOptions(worker: WorkerName, { bundles, vars, secrets }: Platform): WorkerOptions {
  const bundle = bundles(worker);
  const options = JSON.parse(readFileSync(join(bundle, OPTIONS_FILE), "utf8")) as Configured;
  const replaced: Record<string, string> = {};
  for (const name of Object.keys(options.bindings)) {
    const value = vars[name];
    if (value !== undefined) replaced[name] = value;
  }
  return {
    ...options,
    name: workerName(worker),
    rootPath: bundle,
    modules: [{ type: "ESModule", path: "index.js" }],
    bindings: { ...options.bindings, ...replaced, ...secretsFor(worker, secrets) },
  };
}
