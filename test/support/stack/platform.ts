import { Miniflare, type WorkerdStructuredLog } from "miniflare";
import { fireCron } from "../../../cli/local/stack/inside.ts";
import { platformOptions, type Platform } from "../../../cli/local/stack/platform.ts";
import type { WorkerName } from "../../../shared/pipeline.ts";
import { remoteStorage, storageWorker } from "./remote-storage.ts";

/** Identifies a Durable Object by its name or its id. */
type ObjectIdentity = { readonly name: string } | { readonly id: string };

export interface Sql {
  exec<Row extends object = Record<string, unknown>>(query: string, ...values: unknown[]): Promise<Row[]>;
}

/** Lets a test control one Worker of a running platform. */
interface WorkerHandle {
  /** The Worker's bindings, as the Worker itself holds them. */
  getEnv(): Promise<object>;
  /** The Worker's default export, to call its `queue` handler. */
  getExport(): Promise<unknown>;
  /** The tables of a Durable Object that this Worker exports. */
  getDurableObjectStorage(className: string, which: ObjectIdentity): Promise<Sql>;
  /** Ids of all objects of a class that this Worker exports. */
  listDurableObjectIds(className: string): Promise<string[]>;
  /** @throws Error when the object is not running */
  evictDurableObject(className: string, which: ObjectIdentity): Promise<void>;
}

/** Every Worker of VDC in one workerd that a test controls. */
export class TestPlatform {
  readonly #miniflare: Miniflare;
  readonly #logs: WorkerdStructuredLog[];
  #platform: Platform;

  private constructor(miniflare: Miniflare, platform: Platform, logs: WorkerdStructuredLog[]) {
    this.#miniflare = miniflare;
    this.#platform = platform;
    this.#logs = logs;
  }

  static async start(given: Omit<Platform, "onLog" | "port">): Promise<TestPlatform> {
    const logs: WorkerdStructuredLog[] = [];
    const platform: Platform = {
      ...given,
      port: 0,
      inspectable: true,
      others: (gateway) => [storageWorker(gateway)],
      onLog: (line) => void logs.push(line),
    };
    const miniflare = new Miniflare(platformOptions(platform));
    await miniflare.ready;
    return new TestPlatform(miniflare, platform, logs);
  }

  /** Stops every Worker and starts it again over the same storage, with these changes. */
  async restart(changes: Partial<Pick<Platform, "secrets" | "adapt">>): Promise<void> {
    this.#platform = { ...this.#platform, ...changes };
    await this.#miniflare.setOptions(platformOptions(this.#platform));
  }

  /** The address of the gateway. */
  async url(): Promise<URL> {
    return this.#miniflare.ready;
  }

  /**
   * Sends a request. A request without a body is sent again if its connection closed before the answer, as HTTP clients
   * do (RFC 9112 §9.3.1): the server may close an idle connection just as the next request is sent on it.
   */
  async fetch(path: string, init?: RequestInit, attempts = 3): Promise<Response> {
    const { href } = new URL(path, await this.url());
    try {
      return (await this.#miniflare.dispatchFetch(href, init as never)) as unknown as Response;
    } catch (error) {
      if (init?.body || attempts === 1 || !isClosedConnection(error)) throw error;
      return this.fetch(path, init, attempts - 1);
    }
  }

  /** The storage that the Workers share, for tests that read or damage it. It survives restarts. */
  get storage(): { readonly kv: KVNamespace; readonly r2: R2Bucket } {
    return remoteStorage(
      (url, init) => this.#miniflare.dispatchFetch(url, init as never) as unknown as Promise<Response>,
    );
  }

  getWorker(name: string): WorkerHandle {
    const miniflare = this.#miniflare;
    return {
      getEnv: () => miniflare.getBindings(name),
      getExport: () => miniflare.getWorker(name),
      getDurableObjectStorage: (className, which) =>
        miniflare.unsafeGetDurableObjectStorage(name, className, which) as unknown as Promise<Sql>,
      listDurableObjectIds: (className) => miniflare.listDurableObjectIds(className, name),
      evictDurableObject: (className, which) => miniflare.unsafeEvictDurableObject(name, className, which),
    };
  }

  /** Fires a cron trigger, and waits until its handler has ended. */
  fireCron(worker: WorkerName, cron = "* * * * *"): Promise<void> {
    return fireCron(this.#miniflare, worker, cron);
  }

  /** Log lines of all Workers since the start. */
  getLogs(): readonly WorkerdStructuredLog[] {
    return [...this.#logs];
  }

  close(): Promise<void> {
    return this.#miniflare.dispose();
  }
}

function isClosedConnection(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return cause?.code === "UND_ERR_SOCKET" || cause?.code === "ECONNRESET";
}
