import type { WorkerOptions } from "../../../cli/local/stack/platform.ts";
import type { LocalSecrets } from "../../../cli/local/stack/secrets.ts";
import { workerName, type WorkerName } from "../../../shared/pipeline.ts";
import type { Pipeline } from "./pipeline.ts";

interface RestartOptions {
  /** This Worker is missing, so every message to its queue is lost. */
  readonly without?: WorkerName;
  /** Secrets that change. */
  readonly secrets?: Partial<LocalSecrets>;
}

/**
 * Stops every Worker and starts it again over the same storage. Queues are in memory, so all messages under way are
 * lost. The chain head keeps only its storage.
 */
export async function restart(pipeline: Pipeline, options: RestartOptions = {}): Promise<Pipeline> {
  const { harness } = pipeline;
  const secrets = { ...pipeline.secrets, ...options.secrets };
  await harness.restart({
    secrets,
    adapt: (given, worker) => (worker === options.without ? absent(worker) : given),
  });
  return { ...pipeline, secrets, url: (await harness.url()).origin };
}

/** Stands in for a missing Worker. It consumes no queue, so every message to that Worker is lost. */
function absent(worker: WorkerName): WorkerOptions {
  return {
    name: workerName(worker),
    compatibilityDate: "2026-11-01",
    modules: true,
    script: "export default { fetch: () => new Response(null, { status: 404 }) };",
  };
}
