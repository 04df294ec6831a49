import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { table } from "../../cli/output/table.ts";
import { byteCount } from "../../cli/output/words.ts";
import { workerName, type WorkerName } from "../../shared/pipeline.ts";

const ANSWER_WITHIN_MS = 5_000;

const PROGRAM = "program with the pinning service";
const WORKERD = "workerd, all of it";

/** Returns the bytes that each Worker and process holds. Leaves out what does not answer. */
export async function measure(
  dataDirectory: string,
  inspectorPort: number,
): Promise<readonly (readonly [what: string, bytes: number])[]> {
  const heaps = WORKER_NAMES.map(async (worker) => [worker, await heapOf(worker, inspectorPort)] as const);
  const held = [...(await Promise.all(heaps)), ...Object.entries(residentBytes(dataDirectory))];
  return held.filter(([, bytes]) => bytes > 0);
}

/**
 * Asks a Worker's isolate for the bytes that it holds after a garbage collection, as DevTools does.
 * @returns 0 from an isolate that does not answer: an idle one does not collect
 */
function heapOf(worker: WorkerName, inspectorPort: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/core:user:${workerName(worker)}`);
  const timer = setTimeout(resolve, ANSWER_WITHIN_MS, 0);
  // The inspector keeps logged values, unlike production.
  const calls = ["Runtime.discardConsoleEntries", "HeapProfiler.collectGarbage", "Runtime.getHeapUsage"];
  const call = (id: number) => socket.send(JSON.stringify({ id, method: calls[id] }));
  socket.addEventListener("open", () => call(0));
  socket.addEventListener("error", () => resolve(0));
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Record<string, number> };
    if (id === undefined) return; // an event
    if (result === undefined) return resolve(0);
    if (id + 1 < calls.length) return call(id + 1); // a collection ends before the heap is measured
    const { usedSize = 0, embedderHeapUsedSize = 0, backingStorageSize = 0 } = result;
    resolve(usedSize + embedderHeapUsedSize + backingStorageSize);
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/** Returns the resident bytes of the stack's processes. */
function residentBytes(dataDirectory: string): Readonly<Record<string, number>> {
  try {
    const lock = readFileSync(join(dataDirectory, "stack.lock"), "utf8");
    const { pid, runtimes } = JSON.parse(lock) as { pid: number; runtimes: number[] };
    const sum = runtimes.reduce((total, runtime) => total + residentBytesOf(runtime), 0);
    return { [PROGRAM]: residentBytesOf(pid), [WORKERD]: sum };
  } catch {
    return {}; // the stack starts or ends: a later sample counts
  }
}

function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

export interface Sample {
  readonly what: string;
  /** The start of the stack that it belongs to. */
  readonly life: number;
  /** Requests so far. */
  readonly requests: number;
  readonly bytes: number;
}

export interface Growth {
  readonly from: number;
  readonly to: number;
  readonly allowed: number;
  /** Bytes of growth above what is allowed. */
  readonly excess: number;
}

/** A Worker's heap varies by about a megabyte with the work under way. An allocator keeps what it may need again. */
const SLACK_BYTES: Readonly<Record<string, number>> = {
  [PROGRAM]: 96 * 1_024 * 1_024,
  // Not judged: it holds the simulated R2, KV and queues too, and collects when it wants (cloudflare/workerd#6824).
  [WORKERD]: Infinity,
};
const HEAP_SLACK_BYTES = 1_536 * 1_024;
const SLACK_BYTES_PER_REQUEST = 32;
const FEWEST_SAMPLES = 8; // after the first quarter
/** Isolates load and compile code in their first requests, and a slow machine takes long for these. */
const FEWEST_REQUESTS = 1_000;

/**
 * Compares the second quarter of one life with its last quarter; in the first, caches fill. Uses the first quartile
 * of each quarter: memory for requests under way comes and goes, while memory that is never released also raises the
 * low samples.
 * @returns undefined for too few samples or requests
 */
export function growthOf(life: readonly Omit<Sample, "life">[]): Growth | undefined {
  const quarter = Math.floor(life.length / 4);
  const [second, last] = [life.slice(quarter, 2 * quarter), life.slice(-quarter)];
  const begin = second[0]?.requests ?? 0;
  const seen = (last.at(-1)?.requests ?? 0) - begin;
  if (life.length - quarter < FEWEST_SAMPLES || seen < FEWEST_REQUESTS) return undefined;
  const requests = (last[0]?.requests ?? 0) - begin;
  const slack = SLACK_BYTES[life[0]?.what ?? ""] ?? HEAP_SLACK_BYTES;
  const allowed = slack + SLACK_BYTES_PER_REQUEST * requests;
  const [from, to] = [firstQuartile(second), firstQuartile(last)];
  return { from, to, allowed, excess: to - from - allowed };
}

function firstQuartile(samples: readonly Omit<Sample, "life">[]): number {
  const sorted = samples.map(({ bytes }) => bytes).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 4)] ?? 0;
}

/** Judges the life in which it grew most. */
export function judgeMemory(samples: readonly Sample[]) {
  return [...Map.groupBy(samples, ({ what }) => what)].map(([what, held]) => {
    const lives = [...Map.groupBy(held, ({ life }) => life).values()];
    const [worst] = lives.flatMap((life) => growthOf(life) ?? []).toSorted((a, b) => b.excess - a.excess);
    const { from = NaN, to = NaN, allowed = NaN, excess = NaN } = worst ?? {};
    const verdict = worst === undefined ? "too few to tell" : excess > 0 ? "GROWS" : "flat";
    return {
      what,
      samples: held.length,
      from,
      to,
      allowed,
      verdict: allowed === Infinity ? "not judged" : verdict,
    };
  });
}

export function memoryTable(verdicts: ReturnType<typeof judgeMemory>): string {
  const rows = verdicts.map(({ what, from, to, allowed, samples, verdict }) => {
    const bytes = [from, to, allowed].map((held) => (Number.isFinite(held) ? byteCount(held) : null));
    return [what, ...bytes, samples, verdict];
  });
  return table(["memory", "from", "to", "may grow by", "samples", ""], rows);
}
