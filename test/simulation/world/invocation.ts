import { AsyncLocalStorage } from "node:async_hooks";
import type { World } from "./world.ts";

/** The process that runs an invocation is gone. Only what called it learns of it, as of a lost connection. */
export class Died extends Error {
  override readonly name = "Died";
}

/**
 * One run of a Worker, or the life of a Durable Object's instance: what dies as one. Once dead, nothing that it still
 * computes reaches anything outside.
 */
export class Invocation {
  readonly worker: string;
  /** Resolved never, rejected at death. */
  readonly death: Promise<never>;
  /** Waits until what was written before is on disk. */
  readonly gate: () => Promise<void>;
  /** It hears of no answer before this time, milliseconds since the epoch: it stands still with what it knew. */
  heldUntil = 0;
  #die: (error: Died) => void = () => {};
  #isDead = false;

  constructor(worker: string, gate: () => Promise<void> = async () => {}) {
    this.worker = worker;
    this.gate = gate;
    const { promise, reject } = Promise.withResolvers<never>();
    this.death = promise;
    this.#die = reject;
    promise.catch(() => {}); // nobody may be waiting
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(why: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#die(new Died(`${this.worker}: ${why}`));
  }

  /** Runs `work` as this invocation. @throws Died when it dies before it ends */
  run<T>(work: () => Promise<T>): Promise<T> {
    return Promise.race([this.death, store.run(this, work)]);
  }
}

const store = new AsyncLocalStorage<Invocation>();

/** Who is running; `undefined` for people and the platform. */
export function running(): Invocation | undefined {
  return store.getStore();
}

/** Runs `work` as nobody's invocation: the platform's own doing. */
export function asPlatform<T>(work: () => T): T {
  return store.exit(work);
}

/** As the invocation that is running at this moment, whenever it is called. */
export function boundToInvocation(work: () => unknown): () => unknown {
  const invocation = store.getStore();
  return invocation === undefined ? () => store.exit(work) : () => store.run(invocation, work);
}

/** A promise of its own for each who waits: a common one would remember all of them. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Kills the invocation when it has not ended in time. @returns what ends the watch */
export function limitTo(world: World, invocation: Invocation, milliseconds: number): () => void {
  const limit = world.at(world.now + milliseconds, () => invocation.kill("exceeded its time limit"));
  return () => void (limit.cancelled = true);
}
