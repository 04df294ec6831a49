import { secretsFor, type LocalSecrets } from "../../../cli/local/stack/secrets.ts";
import type { WorkerName } from "../../../shared/pipeline.ts";
import { Invocation, limitTo } from "../world/invocation.ts";
import type { World } from "../world/world.ts";

/** A Worker's module. */
export interface WorkerModule {
  readonly default: Entrypoint | (new (context: never, env: never) => Entrypoint);
  readonly [className: string]: unknown;
}

interface Entrypoint {
  fetch?(request: Request, env: object, context: object): Promise<Response>;
  queue?(batch: MessageBatch, env: object, context: object): Promise<void>;
  scheduled?(event: object, env: object, context: object): Promise<void>;
  readonly [method: string]: unknown;
}

/** Milliseconds after which the platform ends an invocation: 15 minutes. A client may wait longer. */
export const LIMIT = 900_000;

/** The parts of a Worker's `wrangler.toml` that the simulation reads. */
export interface WorkerConfig {
  readonly vars?: Readonly<Record<string, string>>;
  readonly kv_namespaces?: readonly { readonly binding: string }[];
  readonly r2_buckets?: readonly { readonly binding: string }[];
  readonly ratelimits?: readonly { readonly name: string }[];
  readonly queues?: { readonly producers?: readonly { readonly binding: string; readonly queue: string }[] };
  readonly services?: readonly { readonly binding: string; readonly service: string }[];
  readonly durable_objects?: {
    readonly bindings: readonly { readonly name: string; readonly class_name: string }[];
  };
}

/** The parts of the platform, by the names under which `wrangler.toml` binds them. */
export interface Parts {
  readonly kv: () => KVNamespace;
  readonly r2: () => R2Bucket;
  readonly queue: (name: string) => Queue;
  readonly service: (name: string) => object;
  readonly object: (className: string) => object;
}

/** Returns a Worker's environment: exactly the bindings in its `wrangler.toml`, and its secrets. */
export function environmentOf(
  worker: WorkerName,
  config: WorkerConfig,
  parts: Parts,
  { vars, secrets }: { vars: Readonly<Record<string, string>>; secrets: LocalSecrets },
): object {
  const own = config.vars ?? {};
  const replaced = Object.entries(vars).filter(([name]) => name in own);
  const bound: Record<string, unknown> = {
    ...own,
    ...Object.fromEntries(replaced),
    ...secretsFor(worker, secrets),
  };
  for (const { binding } of config.kv_namespaces ?? []) bound[binding] = parts.kv();
  for (const { binding } of config.r2_buckets ?? []) bound[binding] = parts.r2();
  for (const { name } of config.ratelimits ?? []) bound[name] = { limit: async () => ({ success: true }) };
  for (const { binding, queue } of config.queues?.producers ?? []) bound[binding] = parts.queue(queue);
  for (const { binding, service } of config.services ?? []) bound[binding] = parts.service(service);
  for (const { name, class_name } of config.durable_objects?.bindings ?? [])
    bound[name] = parts.object(class_name);
  return bound;
}

/** A deployed Worker. Its invocations share an isolate's modules, and die one by one. */
export class SimulatedWorker {
  readonly name: WorkerName;
  readonly #world: World;
  readonly #module: WorkerModule;
  /** Invocations that have not ended. */
  readonly running = new Set<Invocation>();
  #env: object = {};
  #brokenUntil = 0;

  constructor(world: World, name: WorkerName, module: WorkerModule) {
    this.#world = world;
    this.name = name;
    this.#module = module;
  }

  bind(env: object): void {
    this.#env = env;
  }

  get env(): object {
    return this.#env;
  }

  class(name: string): unknown {
    return this.#module[name];
  }

  fetch(request: Request, invocation = new Invocation(this.name)): Promise<Response> {
    return this.#invoke("fetch", [request], invocation) as Promise<Response>;
  }

  queue(batch: MessageBatch): Promise<void> {
    return this.#invoke("queue", [batch]) as Promise<void>;
  }

  scheduled(): Promise<void> {
    const event = { cron: "", scheduledTime: this.#world.now, noRetry() {} };
    return this.#invoke("scheduled", [event]) as Promise<void>;
  }

  rpc(method: string, given: readonly unknown[]): Promise<unknown> {
    return this.#invoke(method, given);
  }

  /** Tells whether one of its invocations waits for an answer that is held back. */
  get standsStill(): boolean {
    const { now, calm } = this.#world;
    return !calm && [...this.running].some(({ heldUntil }) => heldUntil > now);
  }

  /** Makes the Worker fail at everything. @param until milliseconds since the epoch */
  breakUntil(until: number): void {
    this.#brokenUntil = until;
  }

  #refuseWhileBroken(): void {
    const { now, calm } = this.#world;
    if (now < this.#brokenUntil && !calm)
      throw new Error(`${this.name}: an uncaught exception of a bad deployment`);
  }

  async #invoke(
    method: string,
    given: readonly unknown[],
    invocation = new Invocation(this.name),
  ): Promise<unknown> {
    this.#refuseWhileBroken();
    const stop = limitTo(this.#world, invocation, LIMIT);
    this.running.add(invocation);
    const after: Promise<unknown>[] = [];
    const context = {
      waitUntil: (work: Promise<unknown>) => void after.push(work.catch(() => {})), // the platform only logs the error
      passThroughOnException() {},
    };
    try {
      return await invocation.run(async () => {
        const { default: entry } = this.#module;
        if (typeof entry === "function") {
          const instance = new entry(context as never, this.#env as never);
          return Reflect.apply(instance[method] as () => unknown, instance, given);
        }
        return Reflect.apply(entry[method] as () => unknown, entry, [...given, this.#env, context]);
      });
    } finally {
      this.running.delete(invocation);
      stop();
    }
  }
}
