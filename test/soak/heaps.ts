import { WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { workerName, type WorkerName } from "../../shared/pipeline.ts";

const PATIENCE = 2_000; // milliseconds for one answer

interface HeapUsage {
  readonly usedSize: number;
  readonly embedderHeapUsedSize?: number;
  readonly backingStorageSize?: number;
}

/** Measures the heap of each Worker's isolate, as DevTools does. */
export class Heaps {
  readonly #port: number;
  readonly #sessions = new Map<WorkerName, Session>();

  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Returns the bytes that each Worker holds after a garbage collection. Leaves out an idle Worker, which does not
   * collect when asked.
   */
  async measure(): Promise<ReadonlyMap<WorkerName, number>> {
    const measured = await Promise.all(
      WORKER_NAMES.map(async (worker) => [worker, await this.#measureOne(worker)] as const),
    );
    return new Map(measured.flatMap(([worker, bytes]) => (bytes === undefined ? [] : [[worker, bytes]])));
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  async #measureOne(worker: WorkerName): Promise<number | undefined> {
    try {
      let session = this.#sessions.get(worker);
      if (session === undefined || !session.open) {
        session = await Session.open(`ws://127.0.0.1:${this.#port}/core:user:${workerName(worker)}`);
        this.#sessions.set(worker, session);
      }
      await session.call("Runtime.discardConsoleEntries"); // the inspector keeps logged values, unlike production
      await session.call("HeapProfiler.collectGarbage");
      const {
        usedSize,
        embedderHeapUsedSize = 0,
        backingStorageSize = 0,
      } = (await session.call("Runtime.getHeapUsage")) as HeapUsage;
      return usedSize + embedderHeapUsedSize + backingStorageSize;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return undefined;
    }
  }
}

class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** A session of the Chrome DevTools Protocol. */
class Session {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as {
        id?: number;
        result?: unknown;
        error?: unknown;
      };
      if (id === undefined) return;
      this.#waiting.get(id)?.(error === undefined ? result : new NoAnswer(JSON.stringify(error)));
      this.#waiting.delete(id);
    });
  }

  static open(url: string): Promise<Session> {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.close();
        reject(new NoAnswer(`${url} does not open`));
      }, PATIENCE);
      const settle = (then: () => void) => {
        clearTimeout(timer);
        then();
      };
      socket.addEventListener("open", () => settle(() => resolve(new Session(socket))));
      socket.addEventListener("error", () => settle(() => reject(new NoAnswer(`${url} refuses`))));
    });
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  call(method: string): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new NoAnswer(`${method}: no answer`));
      }, PATIENCE);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        if (result instanceof NoAnswer) reject(result);
        else resolve(result);
      });
      if (this.open) this.#socket.send(JSON.stringify({ id, method }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}
