import { readFileSync } from "node:fs";
import { growthOf, type Growth, type Sample, type Slack } from "./flat.ts";
import { Heaps } from "./heaps.ts";
import type { SoakStack } from "./stack.ts";

/**
 * A Worker's heap varies by about a megabyte with the work under way. A process keeps memory that its allocator may
 * need again. Workerd as a whole is reported and not judged: it also holds the simulated R2, KV and queues, and
 * collects at times of its own (cloudflare/workerd#6824).
 */
const SLACK = {
  heap: { bytes: 1_536 * 1024, bytesPerWork: 32 },
  process: { bytes: 96 * 1024 * 1024, bytesPerWork: 0 },
  runtime: { bytes: Infinity, bytesPerWork: 0 },
} as const satisfies Record<string, Slack>;

export interface Held {
  readonly what: string;
  readonly kind: keyof typeof SLACK;
  /** The samples of each life of the stack. */
  readonly lives: Sample[][];
}

/** Samples the memory of every Worker and process while the stack lives. */
export class Memory {
  readonly #held = new Map<string, Held>();
  readonly #heaps: Heaps;
  #life = -1;

  constructor(inspectorPort: number) {
    this.#heaps = new Heaps(inspectorPort);
  }

  /** Begins a new life after the stack was started again. */
  begin(): void {
    this.#life++;
    this.#heaps.close();
  }

  /** @param work the amount of work since the stack was started */
  async sample(stack: SoakStack, work: number): Promise<void> {
    const life = this.#life;
    const heaps = await this.#heaps.measure();
    const { program, workerd } = stack.processes;
    if (life !== this.#life || !stack.running) return;
    for (const [worker, bytes] of heaps) this.#note(worker, "heap", { work, bytes });
    this.#note("workerd, all of it", "runtime", { work, bytes: sum(workerd.map(residentBytes)) });
    this.#note("program with the pinning service", "process", { work, bytes: residentBytes(program) });
  }

  close(): void {
    this.#heaps.close();
  }

  get held(): readonly Held[] {
    return [...this.#held.values()];
  }

  #note(what: string, kind: Held["kind"], sample: Sample): void {
    if (sample.bytes === 0) return; // the process has ended
    const held: Held = this.#held.get(what) ?? { what, kind, lives: [] };
    this.#held.set(what, held);
    (held.lives[this.#life] ??= []).push(sample);
  }
}

export interface MemoryVerdict {
  readonly what: string;
  /** The growth of the life that exceeded its limit most; undefined if no life was long enough to judge. */
  readonly worst: Growth | undefined;
  readonly samples: number;
}

export function judge(held: readonly Held[]): readonly MemoryVerdict[] {
  return held.map(({ what, kind, lives }) => {
    const growths = lives.flatMap((samples) => growthOf(samples ?? [], SLACK[kind]) ?? []);
    const [worst] = growths.toSorted((a, b) => excess(b) - excess(a));
    return { what, worst, samples: lives.reduce((count, samples) => count + (samples?.length ?? 0), 0) };
  });
}

const excess = ({ from, to, allowed }: Growth) => to - from - allowed;

function residentBytes(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0; // the process has ended, or this system has no /proc
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
