import type { World } from "./world.ts";

const EVERY = 900_000;
/** Milliseconds by which a clock is wrong, at most. */
export const FARTHEST = 120_000;

/**
 * Every Worker and every Durable Object has its own clock, which jumps now and then. In the end all clocks are set
 * right.
 */
export class Clocks {
  readonly #world: World;
  readonly #ahead = new Map<string, number>();
  readonly #jumpedAt = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Milliseconds since the epoch, by the clock of this Worker. People and the platform have the right time. */
  of(worker: string | undefined): number {
    const { now } = this.#world;
    if (worker === undefined) return now;
    if (!this.#ahead.has(worker)) this.#ahead.set(worker, 0);
    return now + (this.#ahead.get(worker) ?? 0);
  }

  /** When the clock of this Worker last jumped, in milliseconds since the epoch. */
  jumpedAt(worker: string): number {
    return this.#jumpedAt.get(worker) ?? -Infinity;
  }

  /** Returns the time at which a clock may jump next. @param after milliseconds since the epoch */
  nextJump(after: number): number {
    return (Math.floor(after / EVERY) + 1) * EVERY;
  }

  start(): void {
    const world = this.#world;
    world.at(this.nextJump(world.now), () => {
      this.start();
      if (world.calm) this.#ahead.clear();
      for (const worker of this.#ahead.keys())
        if (world.strikes("clock jumps", worker)) {
          this.#ahead.set(worker, world.random.between(-FARTHEST, FARTHEST));
          this.#jumpedAt.set(worker, world.now);
        }
    });
  }
}
