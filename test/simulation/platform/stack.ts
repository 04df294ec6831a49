import { secretsFor, type LocalSecrets } from "../../../cli/local/stack/secrets.ts";
import {
  DEAD_LETTER_CONSUMER,
  DEAD_LETTER_RETENTION_SECONDS,
  deadLetterQueueName,
  queueName,
  STAGES,
  workerName,
  WORKERS,
  type StageName,
  type WorkerName,
  type WorkerPlan,
} from "../../../shared/pipeline.ts";
import { copyOf } from "../world/copy.ts";
import { operation } from "../world/operation.ts";
import type { World } from "../world/world.ts";
import { SimulatedObject, type ObjectClass } from "./durable-object.ts";
import { SimulatedKv, type KvObserver } from "./kv.ts";
import { SimulatedPinning, type PinObserver } from "./pinning.ts";
import { SimulatedQueue, type QueueConsumer } from "./queue.ts";
import { SimulatedR2, type R2Observer } from "./r2.ts";
import {
  environmentOf,
  SimulatedWorker,
  type Parts,
  type WorkerConfig,
  type WorkerModule,
} from "./worker.ts";

export interface Deployed {
  readonly name: WorkerName;
  readonly config: WorkerConfig;
  readonly module: WorkerModule;
}

/** Called before each write. */
export interface Observers {
  readonly kv: KvObserver;
  readonly r2: R2Observer;
  readonly pin: PinObserver;
}

export interface StackOptions {
  readonly deployed: readonly Deployed[];
  readonly secrets: LocalSecrets;
  readonly vars: Readonly<Record<string, string>>;
  readonly observers: Observers;
}

/** Milliseconds within which the deployment expects an unanswered write of KV to take effect. */
function writesLandWithin(deployed: readonly Deployed[], vars: Readonly<Record<string, string>>): number {
  const own = deployed.find(({ name }) => name === "chain-head")?.config.vars ?? {};
  const seconds = Number({ ...own, ...vars }.WRITE_LANDS_WITHIN_SECONDS);
  if (!(seconds > 0)) throw new Error("the chain head has no WRITE_LANDS_WITHIN_SECONDS");
  return seconds * 1_000;
}

/** All Workers on simulated parts, bound as each `wrangler.toml` says. */
export class Stack {
  readonly world: World;
  readonly secrets: LocalSecrets;
  readonly kv: SimulatedKv;
  readonly r2: SimulatedR2;
  readonly pinning: SimulatedPinning;
  readonly queues = new Map<string, SimulatedQueue>();
  readonly #workers = new Map<string, SimulatedWorker>();
  readonly #objects = new Map<string, SimulatedObject>();

  constructor(world: World, { deployed, secrets, vars, observers }: StackOptions) {
    this.world = world;
    this.secrets = secrets;
    this.kv = new SimulatedKv(world, observers.kv, writesLandWithin(deployed, vars));
    this.r2 = new SimulatedR2(world, observers.r2);
    this.pinning = new SimulatedPinning(world, observers.pin);
    for (const { name, module } of deployed)
      this.#workers.set(workerName(name), new SimulatedWorker(world, name, module));
    for (const stage of STAGES) this.#makeQueues(stage);
    const parts: Parts = {
      kv: () => this.kv.binding(),
      r2: () => this.r2.binding(),
      queue: (name) => this.queue(name).binding(),
      service: (name) => this.#serviceOf(name),
      object: (className) => this.#namespaceOf(className),
    };
    for (const { name, config } of deployed)
      this.worker(name).bind(environmentOf(name, config, parts, { vars, secrets }));
  }

  /** Deploys a Worker again with another secret. A running invocation keeps the old one. */
  changeSecret(name: WorkerName, changed: Partial<LocalSecrets>): void {
    const worker = this.worker(name);
    worker.bind({ ...worker.env, ...secretsFor(name, { ...this.secrets, ...changed }) });
  }

  worker(name: WorkerName): SimulatedWorker {
    const worker = this.#workers.get(workerName(name));
    if (worker === undefined) throw new Error(`${name} is not deployed`);
    return worker;
  }

  queue(name: string): SimulatedQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Error(`there is no queue ${name}`);
    return queue;
  }

  /** Returns the object of this class and name. Makes it on the first request. */
  object(className: string, name: string): SimulatedObject {
    const id = `${className}/${name}`;
    const known = this.#objects.get(id);
    if (known !== undefined) return known;
    const home = [...this.#workers.values()].find((worker) => worker.class(className) !== undefined);
    if (home === undefined) throw new Error(`no Worker has the class ${className}`);
    const type = home.class(className) as ObjectClass;
    const made = new SimulatedObject(this.world, { name, label: className, type, env: home.env });
    this.#objects.set(id, made);
    return made;
  }

  workers(): SimulatedWorker[] {
    return [...this.#workers.values()];
  }

  objects(): SimulatedObject[] {
    return [...this.#objects.values()];
  }

  /** The id of the chain that this deployment makes. */
  get chainId(): string {
    return (this.worker("miner").env as { CHAIN_ID: string }).CHAIN_ID;
  }

  /** Answers a Worker's request to the internet. */
  fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (this.pinning.answers(url)) return this.pinning.fetch(request);
    throw new TypeError(`nobody answers ${url.origin} in this world`);
  }

  close(): void {
    for (const object of this.#objects.values()) object.close();
  }

  #makeQueues(stage: StageName): void {
    const { world } = this;
    const retention = DEAD_LETTER_RETENTION_SECONDS * 1_000;
    const dead = new SimulatedQueue(world, {
      name: deadLetterQueueName(stage),
      retention,
      pointsOnly: false,
    });
    const queue = new SimulatedQueue(world, {
      name: queueName(stage),
      pointsOnly: stage !== "pending-writer",
    });
    const plan: WorkerPlan = WORKERS[stage];
    if (plan.consumes === undefined) throw new Error(`${stage} consumes nothing`);
    // Some deployments have fewer retries than ours. Then the platform moves a message to the dead-letter queue.
    const max_retries = world.random.of(stage).pick([plan.consumes.max_retries, 3]);
    queue.consumedBy({
      settings: { ...plan.consumes, max_retries },
      ...this.#consumer(stage),
      deadLetters: dead,
    });
    dead.consumedBy({ settings: DEAD_LETTER_CONSUMER, ...this.#consumer("dead-letters") });
    this.queues.set(queue.plan.name, queue).set(dead.plan.name, dead);
  }

  #consumer(name: WorkerName): Pick<QueueConsumer, "deliver" | "standsStill"> {
    return {
      deliver: (batch) => this.worker(name).queue(batch),
      standsStill: () => this.worker(name).standsStill,
    };
  }

  #namespaceOf(className: string): object {
    return { getByName: (name: string) => this.object(className, name).stub() };
  }

  /** Returns a binding to another Worker, for fetch and RPC. */
  #serviceOf(service: string): object {
    const target = () => {
      const worker = this.#workers.get(service);
      if (worker === undefined) throw new Error(`there is no Worker ${service}`);
      return worker;
    };
    const fetch = (input: RequestInfo, init?: RequestInit) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      const label = `service ${service} ${request.method} ${pathname}`;
      return operation(this.world, { label, effect: () => target().fetch(request), writes: false });
    };
    return new Proxy(
      {},
      {
        get: (_, method) => {
          if (typeof method === "symbol" || method === "then") return undefined;
          if (method === "fetch") return fetch;
          return (...given: unknown[]) => {
            const sent = copyOf(given);
            const effect = async () => copyOf(await target().rpc(method, copyOf(sent)));
            return operation(this.world, { label: `service ${service}.${method}`, effect, writes: true });
          };
        },
      },
    );
  }
}
