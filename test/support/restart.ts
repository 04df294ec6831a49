import type { TestHarnessOptions } from "wrangler";
import type { LocalSecrets } from "../../cli/local/secrets.ts";
import { secretsFor } from "../../cli/local/secrets.ts";
import { configPath, WORKER_NAMES } from "../../cli/local/workers.ts";
import { workerName, type WorkerName } from "../../shared/pipeline.ts";
import type { Pipeline } from "./pipeline.ts";

export interface RestartOptions {
  /** This Worker is not there, so whatever is sent to its queue is lost. */
  readonly without?: WorkerName;
  /** Secrets that changed. */
  readonly secrets?: Partial<LocalSecrets>;
}

type WorkerInput = TestHarnessOptions["workers"][number];

const wholeOf = new WeakMap<object, readonly WorkerInput[]>();

/**
 * Stops every Worker and starts it again over the same storage. Queues are in memory, so every message that is under
 * way is lost; whatever the chain head has not stored is lost too.
 */
export async function restart(pipeline: Pipeline, options: RestartOptions = {}): Promise<Pipeline> {
  const { harness } = pipeline;
  const secrets = { ...pipeline.secrets, ...options.secrets };
  await harness.update((current) => {
    const whole = wholeOf.get(harness) ?? current.workers;
    wholeOf.set(harness, whole);
    return { ...current, workers: whole.map((input, i) => inputFor(WORKER_NAMES[i], input)) };
  });
  const gateway = await harness.getWorker(workerName("gateway")).getEnv();
  return { ...pipeline, secrets, kv: gateway.KV as KVNamespace, r2: gateway.R2 as R2Bucket };

  function inputFor(worker: WorkerName | undefined, input: WorkerInput): WorkerInput {
    if (worker === undefined || !("configPath" in input) || input.configPath !== configPath(worker))
      throw new Error("test/support/pipeline.ts no longer lists the Workers in the order of WORKER_NAMES");
    return worker === options.without ? absent(worker) : { ...input, secrets: secretsFor(worker, secrets) };
  }
}

function absent(worker: WorkerName): WorkerInput {
  return {
    config: {
      name: workerName(worker),
      main: "test/support/absent-worker.ts",
      compatibility_date: "2026-11-01",
    },
  };
}
