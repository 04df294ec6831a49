import type { Attempt, Happening } from "./fault.ts";

/*
 * Runs inside a Worker, in front of its bundle. `faulty-bundles.ts` inserts this file, so it imports nothing at run
 * time. Each call of the Worker (a request, a batch, an alarm, an RPC) is an invocation. Before an invocation writes
 * outside itself, it asks the control, which decides what happens to the write.
 */

interface Invocation {
  readonly id: number;
  readonly actor: string;
  readonly delivery?: number;
  /** If true, nothing that the invocation does has an effect. */
  isDead: boolean;
  /** Ends the invocation, as the platform does. */
  readonly end: (why: string) => void;
}

interface Storage<T> {
  run<R>(value: T, work: () => R): R;
  getStore(): T | undefined;
}

interface Settings {
  readonly worker: string;
  readonly controlUrl: string;
  /** `AsyncLocalStorage` of node:async_hooks, which the wrapper imports. */
  readonly Storage: new <T>() => Storage<T>;
  /** Milliseconds after which the runtime ends a hanging invocation; fifteen minutes in production. */
  readonly patience: number;
  /** Milliseconds to which longer deadlines of the code are cut. */
  readonly longestTimer: number;
  readonly redeliverySeconds: number;
  /** Calls that write nothing and that no cell needs to fail. The control is not asked about them. */
  readonly unasked: readonly string[];
}

type Method = (...args: unknown[]) => unknown;
type Methods = Record<string, Method>;
type Constructor = new (...args: never[]) => object;

const DURABLE_OBJECTS: Record<string, string> = {
  CHAIN_HEAD: "chain-head",
  MONITOR: "monitor",
  DEAD_LETTERS: "dead-letters",
  STORAGE_RUNS: "storage-runs",
  DOCUMENT_INDEX: "document-index",
  AUDIT_LOG: "audit-log",
  USER_METADATA: "user-metadata",
  LOG_HEAD: "log-head",
};
const SERVICES: Record<string, string> = {
  INGEST_WEBHOOK: "ingest-webhook",
  STORAGE_VERIFIER: "storage-verifier",
  ACCOUNTS: "accounts",
};
const MOST_TEXT = 10_000; // characters that the control is sent
/** Bindings whose calls have no lasting effect. */
const READ_ONLY = ["PUBLIC_WRITES", "UNKNOWN_READS", "PUBLIC_UPLOADS", "KEY_WRITES", "KEY_UPLOADS", "ASSETS"];

const never = () => new Promise<never>(() => {});

async function digest(value: unknown): Promise<{ sha256?: string; value?: string }> {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (!(bytes instanceof Uint8Array || bytes instanceof ArrayBuffer)) return {};
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { sha256, ...(typeof value === "string" && value.length < MOST_TEXT && { value }) };
}

/** Returns the same object with some methods replaced. */
function withMethods<T extends object>(target: T, methods: (name: string) => Method | undefined): T {
  return new Proxy(target, {
    get(object, name) {
      if (typeof name !== "string" || name === "then") return undefined;
      const method = methods(name);
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(object, name);
      return typeof value === "function" ? (value as Method).bind(object) : value;
    },
  });
}

function unavailable(): Response {
  return Response.json({ error: { code: 503, message: "a fault of the test" } }, { status: 503 });
}

export function instrument({
  worker,
  controlUrl,
  Storage,
  patience,
  longestTimer,
  redeliverySeconds,
  unasked,
}: Settings) {
  const invocations = new Storage<Invocation>();
  const realFetch = globalThis.fetch;
  const realTimer = globalThis.setTimeout;
  let count = Math.floor(Math.random() * 1e9); // differs from the ids of other Workers

  const realNow = Date.now.bind(Date);
  let ahead = 0; // milliseconds
  Date.now = () => realNow() + ahead;

  globalThis.setTimeout = ((work: Method, milliseconds = 0, ...args: unknown[]) =>
    realTimer(work, Math.min(milliseconds, longestTimer), ...args)) as typeof setTimeout;
  const realTimeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (milliseconds) => realTimeout(Math.min(milliseconds, longestTimer));

  async function ask(attempt: Omit<Attempt, "invocation" | "actor">, by: Invocation): Promise<string> {
    const { actor, id, delivery } = by;
    const body = JSON.stringify({ ...attempt, actor, invocation: id, delivery });
    const answer = await realFetch(controlUrl, { method: "POST", body });
    ahead = Number(answer.headers.get("x-ahead"));
    return answer.text();
  }

  /** Runs an operation as the control decides. `failure` produces what the caller sees of a failed operation. */
  async function decided(
    what: { does: string; target: string; sha256?: string; value?: string },
    work: () => Promise<unknown>,
    failure: () => unknown = () => {
      throw new Error(`${what.does} failed: a fault of the test`);
    },
    signal?: AbortSignal | null,
  ): Promise<unknown> {
    const invocation = invocations.getStore();
    if (invocation === undefined) return work(); // an object starts, and writes nothing while it does
    if (invocation.isDead) return never();
    if (unasked.includes(what.does)) return alive(invocation, await work());
    const happens = (await ask(what, invocation)) as Happening | "";
    if (invocation.isDead) return never();
    switch (happens) {
      case "fails":
        return failure();
      case "lost":
        return undefined;
      case "unheard":
        await work();
        return failure();
      case "dies":
        await work();
        invocation.end(`died after ${what.does}`);
        return never();
      case "hangs":
        realTimer(() => invocation.end(`hung at ${what.does}`), patience);
        return new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(new DOMException("too late", "TimeoutError")));
        });
      case "twice":
        await work();
        return alive(invocation, await work());
      case "":
        return alive(invocation, await work());
      default:
        throw new Error(`the control says ${String(happens)}`);
    }
  }

  function alive<T>(invocation: Invocation, value: T): T | Promise<never> {
    return invocation.isDead ? never() : value;
  }

  /** Runs the work as an invocation that the platform may end at any write. */
  function invoke<T>(
    kind: string,
    work: (invocation: Invocation) => T | Promise<T>,
    options: { delivery?: number; end?: (why: string) => void } = {},
  ): Promise<T> {
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => {}); // the invocation may be over by then
    const invocation: Invocation = {
      id: ++count,
      actor: `${worker} (${kind})`,
      ...(options.delivery !== undefined && { delivery: options.delivery }),
      isDead: false,
      end(why) {
        if (invocation.isDead) return;
        invocation.isDead = true;
        ended.reject(new Error(why));
        options.end?.(why);
      },
    };
    const running = (async () => {
      // Asks how far the clock is ahead.
      if (kind === "scheduled" || worker === "monitor")
        await ask({ does: "begin", target: "", isOnlyAsked: true }, invocation);
      return invocations.run(invocation, () => work(invocation));
    })();
    return Promise.race([running, ended.promise]);
  }

  function store(kind: "R2" | "KV", bucket: Methods): object {
    return withMethods(bucket, (name) => {
      if (name !== "put" && name !== "delete") return undefined;
      return async (...args) => {
        const target = [args[0]].flat().join(" ");
        const contents = name === "put" ? await digest(args[1]) : {};
        return decided({ does: `${kind} ${name}`, target, ...contents }, async () => bucket[name]?.(...args));
      };
    });
  }

  function queue(binding: string, real: Methods): object {
    const to = binding
      .toLowerCase()
      .replace(/_queue$/, "")
      .replaceAll("_", "-");
    return withMethods(real, (name) => {
      if (name !== "send" && name !== "sendBatch") return undefined;
      return (...args) => decided({ does: `send to ${to}`, target: "" }, async () => real[name]?.(...args));
    });
  }

  function callee(called: string, stub: Methods): object {
    return withMethods(stub, (name) => {
      if (["id", "name", "dup", "connect"].includes(name)) return undefined;
      if (name === "fetch") return (...args) => fetched(called, stub, args);
      return (...args) =>
        decided(
          { does: `${called}.${name}`, target: "", value: JSON.stringify(args).slice(0, MOST_TEXT) },
          async () => stub[name]?.(...args),
        );
    });
  }

  function fetched(called: string, stub: Methods, [input, init]: unknown[]): Promise<unknown> {
    const request = new Request(input as Request, init as RequestInit);
    if (request.method === "GET") return Promise.resolve(stub.fetch?.(request) as Promise<unknown>);
    let rest: Request | undefined = request;
    return decided({ does: `${called}.${request.method}`, target: "" }, async () => {
      const now = rest ?? request;
      rest = now.body === null ? now : now.clone(); // kept in case the request is sent again
      return stub.fetch?.(now);
    });
  }

  function namespace(called: string, real: Methods): object {
    return withMethods(real, (name) => {
      if (name !== "get" && name !== "getByName") return undefined;
      return (...args) => callee(called, real[name]?.(...args) as Methods);
    });
  }

  const bound = new WeakMap<object, object>();

  function withFaults(env: object): object {
    const known = bound.get(env);
    if (known !== undefined) return known;
    const bindings = Object.entries(env).map(([name, value]) => [name, binding(name, value)] as const);
    const faulty = Object.fromEntries(bindings);
    bound.set(env, faulty);
    return faulty;
  }

  function binding(name: string, value: unknown): unknown {
    if (typeof value !== "object" || value === null || READ_ONLY.includes(name)) return value;
    const real = value as Methods;
    if (name === "R2" || name === "KV") return store(name, real);
    if (name.endsWith("_QUEUE")) return queue(name, real);
    if (DURABLE_OBJECTS[name] !== undefined) return namespace(DURABLE_OBJECTS[name], real);
    if (SERVICES[name] !== undefined) return callee(SERVICES[name], real);
    throw new Error(
      `the fault matrix does not know the binding ${name} of ${worker}: list it in instrument.ts`,
    );
  }

  globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    if (request.method === "GET") return realFetch(input, init);
    let rest = request;
    const work = async () => {
      const now = rest;
      rest = now.clone();
      const answer = await realFetch(now);
      return new Response(await answer.arrayBuffer(), answer);
    };
    const target = new URL(request.url).pathname;
    const signal = init?.signal ?? null;
    return decided(
      { does: `HTTP ${request.method}`, target },
      work,
      unavailable,
      signal,
    ) as Promise<Response>;
  };

  interface Settlement {
    readonly message: Message;
    readonly is: "ack" | "retry";
    readonly options?: QueueRetryOptions | undefined;
  }

  function again(messages: readonly Message[]): void {
    for (const message of messages) message.retry({ delaySeconds: redeliverySeconds });
  }

  /**
   * Runs one delivery. The consumer's acknowledgements count when it returns. If it dies or throws, the queue delivers
   * every message again whose acknowledgement it has not received.
   */
  async function deliver(batch: MessageBatch, consumer: (batch: MessageBatch) => unknown): Promise<void> {
    const said = new Map<string, Settlement>();
    const does = `ack of ${batch.queue.replace(/^vdc-/, "")}`;
    const [first] = batch.messages;
    let planned = "";
    let mine: Invocation | undefined;
    try {
      await invoke(
        "queue",
        async (invocation) => {
          mine = invocation;
          planned = await ask({ does, target: "", isOnlyAsked: true }, invocation);
          await consumer(watched(batch, said, planned));
        },
        { delivery: first?.attempts ?? 1 },
      );
    } catch {
      if (planned === "unheard" && mine !== undefined) await ask({ does, target: "" }, mine);
      again(batch.messages);
      return;
    }
    const acked = [...said.values()].filter(({ is }) => is === "ack").map(({ message }) => message);
    const happens = acked.length > 0 && mine !== undefined ? await ask({ does, target: "" }, mine) : "";
    if (happens !== "") mine?.end(`${happens} at ${does}`);
    for (const { message, is, options } of said.values()) if (is === "retry") message.retry(options);
    if (happens === "fails" || happens === "hangs") again(acked);
    else for (const message of acked) message.ack();
    if (happens === "twice") await invoke("queue", () => consumer(watched(batch, new Map(), "")));
  }

  function watched(batch: MessageBatch, said: Map<string, Settlement>, planned: string): MessageBatch {
    // The first settlement of a message counts (Cloudflare, Queues: "Explicit acknowledgement").
    const say = (settlement: Settlement) => {
      if (!said.has(settlement.message.id)) said.set(settlement.message.id, settlement);
    };
    const messages = batch.messages.map((message) => ({
      id: message.id,
      timestamp: message.timestamp,
      body: message.body,
      attempts: message.attempts,
      metadata: (message as { metadata?: unknown }).metadata,
      ack() {
        say({ message, is: "ack" });
        if (planned === "unheard") throw new Error("ack failed: a fault of the test");
      },
      retry: (options?: QueueRetryOptions) => say({ message, is: "retry", options }),
    }));
    return {
      queue: batch.queue,
      messages,
      metadata: (batch as { metadata?: unknown }).metadata,
    } as unknown as MessageBatch;
  }

  type Handler = (input: never, env: object, context: ExecutionContext) => unknown;

  function handlers(exported: Record<string, Handler>): object {
    const { fetch, queue, scheduled } = exported;
    return {
      ...(fetch && {
        fetch: (request: never, env: object, context: ExecutionContext) =>
          invoke("fetch", () => fetch(request, withFaults(env), context)),
      }),
      ...(scheduled && {
        scheduled: (controller: never, env: object, context: ExecutionContext) =>
          invoke("scheduled", () => scheduled(controller, withFaults(env), context)),
      }),
      ...(queue && {
        queue: (batch: MessageBatch, env: object, context: ExecutionContext) =>
          deliver(batch, (watchedBatch) => queue(watchedBatch as never, withFaults(env), context)),
      }),
    };
  }

  /** Wraps a class. The platform makes an instance for each call (an entrypoint) or for each object. */
  function classOf(exported: Constructor, isObject: boolean): Constructor {
    const Real = exported as new (context: DurableObjectState, env: object) => object;
    class Faulty extends Real {
      constructor(context: DurableObjectState, env: object) {
        super(context, withFaults(env));
        if (isObject) contexts.set(this, context);
      }
    }
    const contexts = new WeakMap<object, DurableObjectState>();
    for (const name of Object.getOwnPropertyNames(Real.prototype)) {
      const real = Object.getOwnPropertyDescriptor(Real.prototype, name)?.value as Method | undefined;
      if (name === "constructor" || typeof real !== "function") continue;
      const method = function (this: object, ...args: unknown[]) {
        if (name === "queue") return deliver(args[0] as MessageBatch, (batch) => real.call(this, batch));
        const end = (why: string) => contexts.get(this)?.abort(why);
        const kind = isObject ? `${exported.name}.${name}` : name;
        return invoke(kind, () => real.apply(this, args), isObject ? { end } : {});
      };
      Object.defineProperty(Faulty.prototype, name, { value: method, writable: true, configurable: true });
    }
    return Faulty;
  }

  return {
    entry: (exported: unknown): unknown =>
      typeof exported === "function"
        ? classOf(exported as Constructor, false)
        : handlers(exported as Record<string, Handler>),
    object: (exported: unknown): unknown => classOf(exported as Constructor, true),
  };
}
