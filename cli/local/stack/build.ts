import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { STANDALONE_WORKERS, type StandaloneWorker, type WorkerName } from "../../../shared/pipeline.ts";
import { OPTIONS_FILE } from "./platform.ts";
import { configPath, ROOT, WORKER_NAMES } from "./workers.ts";

const BUILDS = join(ROOT, ".build");
/** The sources of a build, besides this file. */
const SOURCES = ["workers/**/*", "shared/**/*", "wrangler.toml", "package-lock.json"];

type Built = WorkerName | StandaloneWorker;
const BUILT: readonly Built[] = [...WORKER_NAMES, ...STANDALONE_WORKERS];

/** Directory of a Worker's bundle. */
export type Bundles = (worker: Built) => string;

/**
 * Bundles every Worker with wrangler, exactly as `wrangler deploy` would, so that local runs and tests use the deployed
 * code. A build is named by its sources and appears complete or not at all. It is therefore reused until a source
 * changes, and programs that build at the same time do not disturb each other.
 */
export async function buildWorkers(say: (line: string) => void = () => {}): Promise<Bundles> {
  const name = sourcesHash();
  const directory = join(BUILDS, name);
  if (!existsSync(directory)) {
    say("Bundling the Workers …");
    await build(directory);
    forgetOlder(name);
  }
  return (worker) => join(directory, worker);
}

async function build(directory: string): Promise<void> {
  mkdirSync(BUILDS, { recursive: true });
  const unfinished = mkdtempSync(join(BUILDS, "unfinished-"));
  try {
    const queue = [...BUILT];
    const lane = async () => {
      for (let worker = queue.shift(); worker !== undefined; worker = queue.shift())
        await bundle(worker, join(unfinished, worker));
    };
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
    await writeOptions(unfinished);
    if (!existsSync(directory)) renameSync(unfinished, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error; // another program finished the same build first
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * Keeps the latest builds, because another program may be starting on one. Removes older ones, and the remains of killed
 * builds.
 */
function forgetOlder(newest: string): void {
  const age = (name: string) => statSync(join(BUILDS, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const others = readdirSync(BUILDS).filter((name) => name !== newest);
  for (const name of others.toSorted((a, b) => age(b) - age(a)).slice(3))
    rmSync(join(BUILDS, name), { recursive: true, force: true });
}

function sourcesHash(): string {
  const files = globSync([...SOURCES, "cli/local/stack/build.ts"], {
    cwd: ROOT,
  });
  const hash = createHash("sha256");
  for (const file of files.toSorted()) {
    if (!/\.(?:ts|toml|json)$/.test(file)) continue;
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 20);
}

/** Writes each Worker's configuration once per build, so that a start does not load wrangler, which takes two seconds. */
async function writeOptions(directory: string): Promise<void> {
  const { experimental_readRawConfig, unstable_getMiniflareWorkerOptions } = await import("wrangler");
  for (const worker of BUILT) {
    const config = configPath(worker);
    const { vars = {} } = experimental_readRawConfig({ config }).rawConfig;
    const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(config).workerOptions;
    // Only variables: wrangler also reads secrets from the environment, which must not be written to disk.
    writeFileSync(join(directory, worker, OPTIONS_FILE), JSON.stringify({ ...options, bindings: vars }));
  }
}

function bundle(worker: Built, directory: string): Promise<void> {
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const child = spawn(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--config", configPath(worker), "--outdir", directory],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_LOG: "log" },
    },
  );
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`wrangler could not bundle ${worker}:\n${output}`)),
    );
  });
}

if (import.meta.main) await buildWorkers((line) => process.stderr.write(`${line}\n`));
