import { createHash } from "node:crypto";
import { AsyncLocalStorage } from "node:async_hooks";
import { never, running } from "./invocation.ts";
import type { Random } from "./random.ts";
import { outside } from "./settled.ts";
import type { World } from "./world.ts";

/** The world and the network that the simulated code sees. */
export interface Surroundings {
  readonly world: World;
  readonly fetch: (request: Request) => Promise<Response>;
}

const RealDate = globalThis.Date;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const realCrypto = crypto;

let surroundings: Surroundings | undefined;
let randomBytes: Random | undefined;

/** Gives time, chance and the network to this world from now on. */
export function surroundWith(present: Surroundings): void {
  surroundings = present;
  randomBytes = present.world.random.of("bytes");
}

/** Sets the random bytes until a world begins, so that keys made before it are the same in every run. */
export function beginWith(random: Random): void {
  randomBytes = random;
}

function now(): number {
  if (surroundings === undefined) return RealDate.now();
  return surroundings.world.clocks.of(running()?.worker);
}

class WorldsDate extends RealDate {
  constructor(...given: [] | [number | string]) {
    super(...((given.length === 0 ? [now()] : given) as [number]));
  }

  static override now = now;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return Object.prototype.toString.call(value) === "[object Date]";
  }
}

/** Node requires `duplex` for a body that is a stream; workerd does not. */
class WorkersRequest extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(input, { ...init, ...(init?.body != null && { duplex: "half" }) });
  }
}

class Timer {
  readonly #cancel: () => void;

  constructor(milliseconds: number, run: () => void) {
    const invocation = running();
    const { world } = present();
    const inContext = AsyncLocalStorage.bind(run); // the simulated code may have a store of its own
    const appointment = world.at(world.now + Math.max(1, milliseconds), () => {
      if (invocation?.isDead !== true) inContext();
    });
    this.#cancel = () => void (appointment.cancelled = true);
  }

  cancel(): void {
    this.#cancel();
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

function present(): Surroundings {
  if (surroundings === undefined) throw new Error("there is no world yet");
  return surroundings;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void new Timer(milliseconds, resolve));
}

function abortAfter(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  void new Timer(milliseconds, () =>
    controller.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError")),
  );
  return controller.signal;
}

/** Rejects when the signal aborts, as `fetch` does. */
async function fetchInWorld(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const signal = init?.signal;
  if (signal?.aborted === true) throw signal.reason;
  const answer = present().fetch(request);
  if (!signal) return answer;
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );
  answer.catch(() => {}); // a caller that aborted does not wait for it
  return Promise.race([answer, aborted]);
}

/**
 * Wraps WebCrypto so that its results come in order, hashes without Node's thread pool, and takes random bytes from the
 * world.
 */
const subtle = new Proxy(realCrypto.subtle, {
  get(target, name) {
    if (name === "timingSafeEqual") return equalBuffers;
    if (name === "digest") return digest;
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== "function") return value;
    return (...given: unknown[]) => outside(async () => Reflect.apply(value, target, given) as unknown);
  },
});

function digest(...[algorithm, data]: Parameters<SubtleCrypto["digest"]>): Promise<ArrayBuffer> {
  if (algorithm !== "SHA-256") return outside(() => realCrypto.subtle.digest(algorithm, data));
  return outside(async () => Uint8Array.from(createHash("sha256").update(bytesOf(data)).digest()).buffer);
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

function equalBuffers(a: ArrayBuffer, b: ArrayBuffer): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}

function getRandomValues<T extends Uint8Array>(array: T): T {
  if (randomBytes === undefined) throw new Error("there is no chance yet");
  randomBytes.bytesInto(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return array;
}

function randomUUID(): string {
  const digits = Buffer.from(getRandomValues(new Uint8Array(16))).toString("hex");
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

/**
 * Replaces time, chance and network of this process. Call it before any module of the project is loaded, because
 * modules keep what they find. WebCrypto's own ML-DSA and ML-KEM take their randomness from elsewhere, so noble does
 * both; it verifies through OpenSSL (`platform/ml-dsa.ts`).
 */
export function takeOver(): void {
  const replaced: Record<string, unknown> = {
    Date: WorldsDate,
    setTimeout: (run: (...given: unknown[]) => void, milliseconds = 0, ...given: unknown[]) =>
      surroundings === undefined
        ? realSetTimeout(run, milliseconds, ...given)
        : new Timer(milliseconds, () => run(...given)),
    clearTimeout: (timer: Timer | number | undefined) =>
      timer instanceof Timer ? timer.cancel() : realClearTimeout(timer),
    scheduler: {
      wait: (milliseconds: number) => (running()?.isDead === true ? never() : sleep(milliseconds)),
    },
    fetch: fetchInWorld,
    Request: WorkersRequest,
    crypto: { subtle, getRandomValues, randomUUID },
  };
  for (const [name, value] of Object.entries(replaced))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  Math.random = () => randomBytes?.fraction() ?? 0;
  AbortSignal.timeout = abortAfter;
  Object.defineProperty(SubtleCrypto, "supports", { value: () => false });
}

/**
 * Sends the simulated code's console output to the trace, not to the terminal. @returns a function that restores the
 * console
 */
export function listenTo(world: World): () => void {
  const { log, warn, error } = console;
  const into = (line: unknown) => {
    if (running()?.isDead !== true) world.say(`log ${String(line)}`);
  };
  Object.assign(console, { log: into, warn: into, error: into });
  return () => void Object.assign(console, { log, warn, error });
}
