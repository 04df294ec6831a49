import { execFileSync } from "node:child_process";
import { existsSync, globSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { experimental_readRawConfig, unstable_readConfig } from "wrangler";
import { configPath, ROOT, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { SECRETS, SETTING_GROUPS } from "../../cli/tools/settings.ts";
import {
  DEAD_LETTER_CONSUMER,
  DEAD_LETTER_RETENTION_SECONDS,
  QUEUE_RETENTION_SECONDS,
  RETRIED_FOR_SECONDS,
  deadLetterQueueName,
  DURABLE_OBJECTS,
  queueName,
  RATE_LIMITS,
  RATE_LIMITS_OF,
  stageOfDeadLetterQueue,
  STAGES,
  STANDALONE_WORKERS,
  workerName,
  WORKERS,
  type DurableObjectName,
  type RateLimitName,
  type Resource,
  type StageName,
  type WorkerName,
  type WorkerPlan,
} from "../../shared/pipeline.ts";
import { nodes, reachableFrom, source, sources, type Node, type Source } from "./sources.ts";

type Config = Readonly<Record<string, unknown>>;

const rawConfigs = new Map<WorkerName, Config>();

/** Returns the file's own contents. The library's defaults differ from production's, so none are added. */
function configOf(worker: WorkerName): Config {
  const config =
    rawConfigs.get(worker) ??
    (experimental_readRawConfig({ config: configPath(worker) }).rawConfig as Config);
  rawConfigs.set(worker, config);
  return config;
}

const planOf = (worker: WorkerName): WorkerPlan => WORKERS[worker];
const hasStage = (worker: WorkerName): worker is StageName => STAGES.some((stage) => stage === worker);
const bindingName = (name: string) => name.toUpperCase().replaceAll("-", "_");
const byBinding = (a: { binding: string }, b: { binding: string }) => a.binding.localeCompare(b.binding);

/** Settings that are the same in every Worker, because all Workers serve one chain. */
const ALIKE = {
  compatibility_date: "2026-11-01",
  compatibility_flags: ["webcrypto_modern_algorithms"],
  observability: { enabled: true },
};
const KV = [{ binding: "KV", id: "00000000000000000000000000000000" }];
const R2 = [{ binding: "R2", bucket_name: "vdc" }];
const CHAIN_ID = "vdc-main";

/** The secrets that come with a resource. */
const SECRET_OF: Partial<Record<Resource, readonly string[]>> = {
  admin: ["ADMIN_SECRET"],
  stripe: ["STRIPE_WEBHOOK_SECRET"],
  "encryption-key": ["SYSTEM_ENCRYPTION_PUBLIC_KEY"],
  "signing-keys": ["SYSTEM_KEYRING"],
  "log-keys": ["LOG_KEYRING"],
  pinata: ["PINATA_JWT"],
};

/** Secrets that come with a resource and that a Worker can do without. `secrets` can only list required ones. */
const OPTIONAL_SECRET_OF: Partial<Record<Resource, string>> = {
  "alert-webhook": "ALERT_WEBHOOK_URL",
  "stripe-api": "STRIPE_API_KEY",
};

function optionalSecrets(worker: WorkerName): string[] {
  return planOf(worker).touches.flatMap((resource) => OPTIONAL_SECRET_OF[resource] ?? []);
}

/** Producers in addition to the next stages and the Worker's own dead-letter queue, each with its reason. */
const ALSO_PRODUCES: Partial<Record<WorkerName, Record<string, string>>> = {
  // a transaction that is set aside is parked like a message of the miner's that failed
  "chain-head": { SET_ASIDE_QUEUE: deadLetterQueueName("miner") },
  // a large block is indexed in several messages
  indexer: { INDEXER_QUEUE: queueName("indexer") },
  // a run goes on in chunks
  "storage-verifier": { STORAGE_VERIFIER_QUEUE: queueName("storage-verifier") },
};

/**
 * Returns the file that the pipeline's map demands, without [vars]. Any further binding is more than the Worker's work
 * needs.
 */
function expectedConfig(worker: WorkerName): Config {
  const plan = planOf(worker);
  const touches = (resource: Resource) => plan.touches.includes(resource);
  const secrets = plan.touches.flatMap((resource) => SECRET_OF[resource] ?? []);
  const producers = expectedProducers(worker);
  const consumers = expectedConsumers(worker);
  return {
    ...ALIKE,
    name: workerName(worker),
    main: worker === "gateway" ? "workers/gateway/index.ts" : "index.ts",
    // A preview is another version at a public address, with the same secrets. It may have a fault that was fixed
    // since.
    preview_urls: false,
    ...(plan.http !== "public" && { workers_dev: false }),
    ...(secrets.length > 0 && { secrets: { required: secrets } }),
    ...(plan.cron !== undefined && { triggers: { crons: [plan.cron] } }),
    ...(touches("kv") && { kv_namespaces: KV }),
    ...(touches("r2") && { r2_buckets: R2 }),
    ...(touches("rate-limits") && {
      ratelimits: limitsOf(worker).map((name) => ({ name, ...RATE_LIMITS[name] })),
    }),
    ...expectedObjects(worker),
    ...(plan.calls && {
      services: plan.calls.map((called) => ({ binding: bindingName(called), service: workerName(called) })),
    }),
    ...((producers.length > 0 || consumers.length > 0) && {
      queues: { ...(producers.length > 0 && { producers }), ...(consumers.length > 0 && { consumers }) },
    }),
  };
}

function limitsOf(worker: WorkerName): readonly RateLimitName[] {
  return (RATE_LIMITS_OF as Partial<Record<WorkerName, readonly RateLimitName[]>>)[worker] ?? [];
}

/**
 * Returns the bindings to Durable Objects, the storage of the Worker's own objects, and an update that waits until they
 * rest.
 */
function expectedObjects(worker: WorkerName): Config {
  const objects = Object.keys(DURABLE_OBJECTS) as DurableObjectName[];
  const reached = objects.filter((name) => planOf(worker).touches.includes(name));
  const own = objects.filter((name) => DURABLE_OBJECTS[name].worker === worker);
  const bindings = reached.map((name) => {
    const { className, worker: home } = DURABLE_OBJECTS[name];
    return {
      name: bindingName(name),
      class_name: className,
      ...(home !== worker && { script_name: workerName(home) }),
    };
  });
  const update = own.length > 0 && { code_update_strategy: { mode: "deferred", max_delay: 300 } };
  return {
    ...(own.length > 0 && {
      exports: Object.fromEntries(
        own.map((name) => [DURABLE_OBJECTS[name].className, { type: "durable-object", storage: "sqlite" }]),
      ),
    }),
    ...((update || bindings.length > 0) && {
      durable_objects: { ...(bindings.length > 0 && { bindings }), ...update },
    }),
  };
}

function expectedProducers(worker: WorkerName): { binding: string; queue: string }[] {
  const queues = {
    ...Object.fromEntries(
      (planOf(worker).produces ?? []).map((stage) => [`${bindingName(stage)}_QUEUE`, queueName(stage)]),
    ),
    ...(hasStage(worker) && { DEAD_LETTER_QUEUE: deadLetterQueueName(worker) }),
    ...ALSO_PRODUCES[worker],
  };
  return Object.entries(queues)
    .map(([binding, queue]) => ({ binding, queue }))
    .toSorted(byBinding);
}

function expectedConsumers(worker: WorkerName): object[] {
  if (worker === "dead-letters")
    return STAGES.map((stage) => ({ queue: deadLetterQueueName(stage), ...DEAD_LETTER_CONSUMER }));
  if (!hasStage(worker)) return [];
  return [
    { queue: queueName(worker), dead_letter_queue: deadLetterQueueName(worker), ...WORKERS[worker].consumes },
  ];
}

function queuesOf(
  worker: WorkerName,
  kind: "producers" | "consumers",
): { binding?: string; queue: string }[] {
  const { queues = {} } = configOf(worker) as { queues?: Record<string, { queue: string }[]> };
  return queues[kind] ?? [];
}

function queuesOfAll(kind: "producers" | "consumers"): string[] {
  return WORKER_NAMES.flatMap((worker) => queuesOf(worker, kind).map(({ queue }) => queue));
}

/** Sorts the producers, because their order in the file has no meaning. */
function sorted(config: Config): Config {
  const { queues } = config as { queues?: { producers?: { binding: string; queue: string }[] } };
  const { producers } = queues ?? {};
  return producers ? { ...config, queues: { ...queues, producers: producers.toSorted(byBinding) } } : config;
}

describe("the folder workers/", () => {
  it("holds the Workers of the map and the standalone ones, and no other", () => {
    expect(readdirSync(`${ROOT}/workers`).toSorted()).toEqual(
      [...WORKER_NAMES, ...STANDALONE_WORKERS].toSorted(),
    );
  });

  it("has a configuration for each, the gateway's at the root", () => {
    const found = globSync("{wrangler.*,{workers,shared,cli,test}/**/wrangler.*}", { cwd: ROOT });
    const configs = found.filter((path) => /wrangler\.(?:toml|jsonc?)$/.test(path));
    expect(configs.toSorted()).toEqual(
      [...WORKER_NAMES, ...STANDALONE_WORKERS].map((worker) => relative(ROOT, configPath(worker))).toSorted(),
    );
  });

  it("has no secrets lying beside the code [T70]", () => {
    expect(globSync("{,workers/**/}.{dev.vars,env}*", { cwd: ROOT })).toEqual([]);
  });
});

describe.for(WORKER_NAMES)("wrangler.toml of %s", (worker) => {
  it("says what the map says: no binding, queue, secret or trigger more or less, every setting written out [T43 T73 T75]", () => {
    const { vars: _, ...config } = sorted(configOf(worker));
    expect(config).toEqual(expectedConfig(worker));
  });

  it("is one that wrangler takes without a complaint, as the default environment", () => {
    const said: string[] = [];
    const { warn } = console;
    console.warn = (...text) => void said.push(text.join(" "));
    try {
      const config = unstable_readConfig({ config: configPath(worker) }, { hideWarnings: false });
      expect(existsSync(config.main ?? "")).toBe(true);
      expect(config.definedEnvironments ?? []).toEqual([]);
    } finally {
      console.warn = warn;
    }
    expect(said).toEqual([]);
  });

  it("is not newer than the workerd that runs it", () => {
    expect(String(configOf(worker).compatibility_date) <= workerdDate()).toBe(true);
  });

  it("has text in its [vars], the chain's own id, and no secret [T70]", () => {
    const vars = varsOf(worker);
    const secrets = [...Object.values(SECRET_OF).flat(), ...Object.values(OPTIONAL_SECRET_OF)];
    for (const [name, value] of Object.entries(vars)) {
      expect(
        typeof value,
        `${name}: a number or a table reaches the code as another type than from the dashboard`,
      ).toBe("string");
      expect(secrets, name).not.toContain(name);
      expect(name).not.toMatch(/SECRET|TOKEN|JWT|PASSWORD|KEYRING|PRIVATE|SEED/);
      expect(value, name).not.toMatch(/whsec_|sk_(?:live|test)_|eyJ|"seed"/);
    }
    expect(vars.CHAIN_ID ?? CHAIN_ID).toBe(CHAIN_ID);
    expect("CHAIN_ID" in vars, "CHAIN_ID names the Durable Objects, for whoever calls one").toBe(
      planOf(worker).touches.some((resource) => resource in DURABLE_OBJECTS),
    );
  });

  it("binds what the code's Env names, and nothing else", () => {
    expect([...boundNames(worker), ...optionalSecrets(worker)].toSorted()).toEqual(
      envNames(worker).toSorted(),
    );
  });

  it("binds only what the code reads [T43]", () => {
    const read = new Set(reachableFrom(`workers/${worker}/index.ts`).flatMap(valueNames));
    expect(boundNames(worker).filter((name) => !read.has(name))).toEqual([]);
  });
});

it("a setting that several Workers read has one value in all of them", () => {
  const valuesOf = Map.groupBy(
    WORKER_NAMES.flatMap((worker) => Object.entries(varsOf(worker))),
    ([name]) => name,
  );
  const differing = [...valuesOf].filter(([, values]) => new Set(values.map(([, value]) => value)).size > 1);
  expect(differing).toEqual([]);
  expect(valuesOf.get("WRITE_LANDS_WITHIN_SECONDS")).toHaveLength(2);
});

describe("docs/configuration.md", () => {
  it("has every variable of every Worker, and no other", () => {
    const named = SETTING_GROUPS.flatMap(({ settings }) => settings.map(({ name }) => name));
    const configured = new Set(WORKER_NAMES.flatMap((worker) => Object.keys(varsOf(worker))));
    expect(named.toSorted()).toEqual([...configured].toSorted());
  });

  it("has every secret, and no other", () => {
    const secrets = [...Object.values(SECRET_OF).flat(), ...Object.values(OPTIONAL_SECRET_OF)];
    expect(SECRETS.map(({ name }) => name).toSorted()).toEqual(secrets.toSorted());
  });
});

describe("the queues together", () => {
  const consumed = queuesOfAll("consumers");

  it("have one consumer each", () => {
    expect(consumed.toSorted()).toEqual(
      [...STAGES.map(queueName), ...STAGES.map(deadLetterQueueName)].toSorted(),
    );
  });

  it("are consumed when anything is produced to them or dead-lettered into them", () => {
    const deadLettered = WORKER_NAMES.flatMap((worker) =>
      queuesOf(worker, "consumers").flatMap((consumer) => Reflect.get(consumer, "dead_letter_queue") ?? []),
    );
    expect(
      [...queuesOfAll("producers"), ...deadLettered].filter((queue) => !consumed.includes(queue)),
    ).toEqual([]);
  });

  it("are each fed by somebody", () => {
    const fed = new Set(queuesOfAll("producers"));
    expect(consumed.filter((queue) => !fed.has(queue))).toEqual([]);
  });

  it("retry a dead letter for as long as its queue keeps it: nothing stands behind them", () => {
    const { max_retries: retries, retry_delay: delay } = DEAD_LETTER_CONSUMER;
    expect(retries * delay).toBeGreaterThanOrEqual(DEAD_LETTER_RETENTION_SECONDS);
    expect(delay).toBeLessThanOrEqual(86_400); // the platform's longest
  });

  it("hand a message that no code could settle to the dead letters before it expires", () => {
    for (const stage of STAGES) {
      const { max_retries: retries, retry_delay: delay } = WORKERS[stage].consumes;
      expect(retries * delay, stage).toBeLessThan(RETRIED_FOR_SECONDS);
      expect(RETRIED_FOR_SECONDS, stage).toBeLessThan(QUEUE_RETENTION_SECONDS);
    }
  });

  it("give a dead letter back its stage, and an unknown queue none", () => {
    for (const stage of STAGES) expect(stageOfDeadLetterQueue(deadLetterQueueName(stage))).toBe(stage);
    expect(stageOfDeadLetterQueue(queueName("miner"))).toBeUndefined();
  });
});

/** docs/design.md#workers in one line each: a secret in a second place doubles an intruder's reach. */
describe("a secret", () => {
  it.for([
    ["SYSTEM_KEYRING", "miner"],
    ["LOG_KEYRING", "checkpointer"],
    ["STRIPE_WEBHOOK_SECRET", "ingest-webhook"],
    ["SYSTEM_ENCRYPTION_PUBLIC_KEY", "ingest-webhook", "accounts"],
    ["PINATA_JWT", "tier-persister", "storage-verifier"],
    ["ADMIN_SECRET", "gateway"],
  ])("%s is required where its work is, and nowhere else [T29 T43 T45]", ([secret, ...owners]) => {
    const holders = WORKER_NAMES.filter((worker) => requiredSecrets(worker).includes(secret ?? ""));
    expect(holders).toEqual(owners);
  });

  it("is read by no code whose Worker does not require it [T43]", () => {
    const secrets = [...Object.values(SECRET_OF).flat(), ...Object.values(OPTIONAL_SECRET_OF)];
    const found = sources("workers/**/*.ts").flatMap((file) => {
      const worker = file.path.split("/")[1] as WorkerName;
      if (!WORKER_NAMES.includes(worker)) return []; // standalone.test.ts looks at the others
      const own = [...requiredSecrets(worker), ...optionalSecrets(worker)];
      return secrets
        .filter((secret) => !own.includes(secret) && names(file).includes(secret))
        .map((name) => `${file.path}: ${name}`);
    });
    expect(found).toEqual([]);
  });
});

let knownDate: string | undefined;

/** Returns the latest compatibility date that the installed workerd supports. */
function workerdDate(): string {
  knownDate ??= readWorkerdDate();
  return knownDate;
}

function readWorkerdDate(): string {
  const said = execFileSync(join(ROOT, "node_modules/.bin/workerd"), ["--version"]);
  const [, date] = /^workerd (\d{4}-\d\d-\d\d)\s*$/.exec(said.toString()) ?? [];
  if (date === undefined) throw new Error(`workerd --version said ${said.toString()}`);
  return date;
}

function varsOf(worker: WorkerName): Readonly<Record<string, unknown>> {
  return (configOf(worker).vars ?? {}) as Record<string, unknown>;
}

function requiredSecrets(worker: WorkerName): readonly string[] {
  return (configOf(worker) as { secrets?: { required: string[] } }).secrets?.required ?? [];
}

/** Returns every name under which the configuration binds something for the Worker. */
function boundNames(worker: WorkerName): string[] {
  const config = configOf(worker) as Record<string, { binding: string }[] | undefined> & {
    durable_objects?: { bindings?: { name: string }[] };
    ratelimits?: { name: string }[];
  };
  return [
    ...Object.keys(varsOf(worker)),
    ...requiredSecrets(worker),
    ...["kv_namespaces", "r2_buckets", "services"].flatMap((kind) =>
      (config[kind] ?? []).map(({ binding }) => binding),
    ),
    ...[...(config.durable_objects?.bindings ?? []), ...(config.ratelimits ?? [])].map(({ name }) => name),
    ...queuesOf(worker, "producers").flatMap(({ binding }) => binding ?? []),
  ].toSorted();
}

/** Returns the members of the Worker's `Env`, including those of the interfaces that it extends. */
function envNames(worker: WorkerName): string[] {
  const files = existsSync(`${ROOT}/workers/${worker}/env.ts`) ? "env.ts" : "index.ts";
  const interfaces = [
    source(`workers/${worker}/${files}`),
    ...sources("shared/**/*.ts"),
    source("shared/storage/tiers.ts"),
  ].flatMap(({ program }) => nodes(program).filter(({ type }) => type === "TSInterfaceDeclaration"));
  const membersOf = (name: string): string[] => {
    const found = interfaces.find(({ id }) => nameOf(id) === name);
    if (found === undefined)
      throw new Error(`${worker}: no interface ${name} where Env or its parts should be`);
    const own = (found.body as { body: Node[] }).body.map(({ key }) => nameOf(key));
    const inherited = (found.extends as Node[]).flatMap(({ expression }) => membersOf(nameOf(expression)));
    return [...own, ...inherited];
  };
  return [...new Set(membersOf("Env"))]; // several interfaces name the chain
}

const namesInCode = new WeakMap<Source, readonly string[]>();

/** Returns names in code that runs, not in declarations of types. */
function valueNames(file: Source): readonly string[] {
  const known = namesInCode.get(file) ?? readValueNames(file);
  namesInCode.set(file, known);
  return known;
}

function readValueNames({ program }: Source): readonly string[] {
  const declared = new Set(
    nodes(program)
      .filter(({ type }) => type.startsWith("TSInterface") || type === "TSTypeAliasDeclaration")
      .flatMap((declaration) => nodes(declaration)),
  );
  return nodes(program)
    .filter((node) => node.type === "Identifier" && !declared.has(node))
    .map(nameOf);
}

function names({ program }: Source): string[] {
  return nodes(program)
    .filter(({ type }) => type === "Identifier")
    .map(nameOf);
}

function nameOf(node: unknown): string {
  return String((node as { name?: unknown }).name);
}
