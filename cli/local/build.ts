import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { bundleDirectory, configPath, ROOT, WORKER_NAMES } from "./workers.ts";
import type { WorkerName } from "../../shared/pipeline.ts";

/**
 * Bundles every Worker with wrangler, exactly as `wrangler deploy` would, into `.build/`. What is run locally and
 * tested is what is deployed. Bundles are kept until a source changes.
 */
export async function buildWorkers(say: (line: string) => void = () => {}): Promise<void> {
  const stamp = join(ROOT, ".build", "stamp");
  const wanted = sourcesHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("Bundling the Workers …");
  const queue = [...WORKER_NAMES];
  const lane = async () => {
    for (let worker = queue.shift(); worker !== undefined; worker = queue.shift()) await bundle(worker);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  mkdirSync(join(ROOT, ".build"), { recursive: true });
  writeFileSync(stamp, wanted);
}

function sourcesHash(): string {
  const files = globSync(["workers/**/*", "shared/**/*", "wrangler.toml", "package-lock.json"], {
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
  return hash.digest("hex");
}

function bundle(worker: WorkerName): Promise<void> {
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const child = spawn(
    process.execPath,
    [wrangler, "deploy", "--dry-run", "--config", configPath(worker), "--outdir", bundleDirectory(worker)],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
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
