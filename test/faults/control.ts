import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { WorkerName } from "../../shared/pipeline.ts";
import type { Attempt, Happening } from "./fault.ts";
import { isRead, nameOf } from "./writes.ts";

/** An attempt, and what happened to it. */
export interface Seen extends Attempt {
  /** The name in the list of writes. */
  readonly name: string;
  readonly happened: Happening | "";
}

export interface Order {
  /** The name of a write, or of a call that only reads. */
  readonly write: string;
  readonly happens: Happening;
  /** How often it happens; once by default. */
  readonly times?: number;
}

/** Decides about each write. The Workers ask it before they write. */
export interface Control {
  readonly url: string;
  /** All attempts since the start, in order. */
  readonly seen: readonly Seen[];
  /** Violations of the invariants so far. */
  readonly violations: readonly string[];
  /** The names of all attempts. */
  readonly names: ReadonlySet<string>;
  /** Checks each attempt before it is made. @returns a sentence for each violation */
  watch(look: (attempt: Attempt) => Promise<readonly string[]>): void;
  arm(order: Order): void;
  /** Tells whether every fault that was ordered for this write has happened. */
  isDone(write: string): boolean;
  disarm(): void;
  /** Sets a Worker's clock ahead by milliseconds. The Worker learns it at its next attempt or its next cron. */
  setAhead(worker: WorkerName, milliseconds: number): void;
  /** Milliseconds by which the Worker's clock is ahead. */
  ahead(worker: WorkerName): number;
  close(): Promise<void>;
}

export async function startControl(): Promise<Control> {
  const seen: Seen[] = [];
  const names = new Set<string>();
  const violations: string[] = [];
  const ahead = new Map<string, number>();
  const orders = new Map<string, { happens: Happening; left: number }>();
  let look: ((attempt: Attempt) => Promise<readonly string[]>) | undefined;

  async function decide(attempt: Attempt): Promise<Happening | ""> {
    const name = nameOf(attempt);
    const order = orders.get(name);
    const happens = order !== undefined && order.left > 0 ? order.happens : "";
    if (attempt.isOnlyAsked) return happens;
    if (order !== undefined && happens !== "") order.left--;
    names.add(name);
    seen.push({ ...attempt, name, happened: happens });
    if (look !== undefined && !isRead(name)) violations.push(...(await look(attempt)));
    return happens;
  }

  const server = createServer((request, response) => {
    bodyOf(request)
      .then(async (text) => {
        const attempt = JSON.parse(text) as Attempt;
        return { happens: await decide(attempt), worker: attempt.actor.split(" ")[0] ?? "" };
      })
      .then(
        ({ happens, worker }) => response.setHeader("x-ahead", ahead.get(worker) ?? 0).end(happens),
        (error: unknown) => {
          violations.push(`the control failed: ${String(error)}`);
          response.writeHead(500).end();
        },
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    names,
    violations,
    watch: (watcher) => void (look = watcher),
    arm: ({ write, happens, times = 1 }) => void orders.set(write, { happens, left: times }),
    isDone: (write) => orders.get(write)?.left === 0,
    ahead: (worker) => ahead.get(worker) ?? 0,
    setAhead: (worker, milliseconds) => void ahead.set(worker, milliseconds),
    disarm: () => orders.clear(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
