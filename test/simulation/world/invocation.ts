import { AsyncLocalStorage } from "node:async_hooks";
import type { World } from "./world.ts";

/** The process of an invocation has died. Only its caller sees this error, as a lost connection. */
export class Died extends Error {
  override readonly name = "Died";
}

/**
 * A run of a Worker, or a life of a Durable Object's instance; it dies as a whole. After its death, its
 * computations have no effect outside.
 */
export class Invocation {
  readonly worker: string;
  /** Never resolves; rejects at death. */
  readonly death: Promise<never>;
  /** Waits until all earlier writes are on disk. */
  readonly gate: () => Promise<void>;
  /** Milliseconds since the epoch. Until then the invocation gets no answer, and keeps its old knowledge. */
  heldUntil = 0;
  #die: (error: Died) => void = () => {};
  #isDead = false;

  constructor(worker: string, gate: () => Promise<void> = async () => {}) {
    this.worker = worker;
    this.gate = gate;
    const { promise, reject } = Promise.withResolvers<never>();
    this.death = promise;
    this.#die = reject;
    promise.catch(() => {}); // a caller may not wait for it
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(why: string): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#die(new Died(`${this.worker}: ${why}`));
  }

  /** Runs `work` as this invocation. @throws Died when the invocation dies before `work` ends */
  run<T>(work: () => Promise<T>): Promise<T> {
    return Promise.race([this.death, store.run(this, work)]);
  }
}

const store = new AsyncLocalStorage<Invocation>();

/** Returns the running invocation; `undefined` for people and the platform. */
export function running(): Invocation | undefined {
  return store.getStore();
}

/** Runs `work` as the platform, outside every invocation. */
export function asPlatform<T>(work: () => T): T {
  return store.exit(work);
}

/** Binds `work` to the current invocation, whenever it is called. */
export function boundToInvocation(work: () => unknown): () => unknown {
  const invocation = store.getStore();
  return invocation === undefined ? () => store.exit(work) : () => store.run(invocation, work);
}

/** Each caller gets its own promise, because a shared promise would remember all its waiters. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Kills the invocation when it has not ended in time. @returns a function that removes the limit */
export function limitTo(world: World, invocation: Invocation, milliseconds: number): () => void {
  const limit = world.at(world.now + milliseconds, () => invocation.kill("exceeded its time limit"));
  return () => void (limit.cancelled = true);
}
