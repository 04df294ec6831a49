import { asPlatform, Died, Invocation, limitTo, never } from "../world/invocation.ts";
import { copyOf } from "../world/copy.ts";
import { operation } from "../world/operation.ts";
import type { Appointment } from "../world/agenda.ts";
import type { World } from "../world/world.ts";
import { SimulatedDatabase } from "./database.ts";

export type ObjectClass = new (context: never, env: never) => object;

/** Milliseconds that an alarm or a call may run. */
const LIMIT = 900_000;
const ALARM_RETRIES = 6;

/** A life of an instance. The memory dies with it. */
interface Life {
  readonly invocation: Invocation;
  readonly instance: Record<string, unknown>;
  readonly ready: Promise<void>;
}

/**
 * A Durable Object on Node's SQLite. A write is on disk a few milliseconds later. Until then no message of the object
 * leaves it (output gate), and if the object dies, the write and the messages never happened. The object is evicted now
 * and then, at any of its calls.
 */
export class SimulatedObject {
  readonly #world: World;
  readonly #name: string;
  readonly #label: string;
  readonly #class: ObjectClass;
  readonly #env: object;
  #database = new SimulatedDatabase();
  #life: Life | undefined;
  #flushing: Promise<void> | undefined;
  #isDirty = false;
  /** The time of the alarm, as the object set it, and as it is on disk. */
  #alarm: number | null = null;
  #alarmOnDisk: number | null = null;
  #appointment: Appointment | undefined;
  #failedAlarms = 0;
  #isRinging = false;
  /** The earliest time at which a failed alarm is repeated, milliseconds since the epoch. */
  #alarmNotBefore = 0;

  constructor(
    world: World,
    { name, label, type, env }: { name: string; label: string; type: ObjectClass; env: object },
  ) {
    this.#world = world;
    this.#name = name;
    this.#label = label;
    this.#class = type;
    this.#env = env;
  }

  /** Returns the stub that callers use. */
  stub(): object {
    return new Proxy(
      {},
      {
        get: (_, method) =>
          typeof method === "symbol" || method === "then"
            ? undefined
            : (...given: unknown[]) => this.#call(method, given),
      },
    );
  }

  /** Reads rows of the object's storage as they are now. Empty if the object was never called. */
  rows<Row>(query: string): Row[] {
    const [table] = this.#database.rows("SELECT name FROM sqlite_schema LIMIT 1");
    return table === undefined ? [] : (this.#database.rows(query) as Row[]);
  }

  /** Tells whether the alarm runs or is due. */
  get isDue(): boolean {
    return this.#isRinging || (this.#alarmOnDisk !== null && this.#alarmOnDisk <= this.#world.now);
  }

  evict(why: string): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.#rollBack();
    life.invocation.kill(why);
  }

  /** Deletes everything that the object ever stored, without notice. */
  loseStorage(): void {
    this.evict("lost its storage");
    this.#database.close();
    this.#database = new SimulatedDatabase();
    this.#alarm = null;
    this.#alarmOnDisk = null;
    this.#arrange();
  }

  close(): void {
    this.#database.close();
  }

  async #call(method: string, given: readonly unknown[]): Promise<unknown> {
    const sent = copyOf(given);
    return operation(this.#world, {
      label: `${this.#label}.${method}`,
      effect: () => this.#serve(method, sent),
      writes: true,
      takes: 12,
    });
  }

  async #serve(method: string, given: readonly unknown[]): Promise<unknown> {
    const life = this.#alive();
    const stop = limitTo(this.#world, life.invocation, LIMIT);
    try {
      const answer = await life.invocation.run(async () => {
        await life.ready;
        const work = life.instance[method];
        if (typeof work !== "function")
          throw new TypeError(`The RPC receiver does not implement "${method}".`);
        const answer: unknown = await Reflect.apply(work, life.instance, copyOf(given));
        await this.#onDisk(life);
        return answer;
      });
      const copy: unknown = copyOf(answer);
      if (this.#world.strikes("object evicted", `${this.#label} after ${method}`)) this.evict("was evicted");
      return copy;
    } catch (error) {
      throw overRpc(error);
    } finally {
      stop();
    }
  }

  #alive(): Life {
    if (this.#life !== undefined) return this.#life;
    const gate = () => (this.#life?.invocation === invocation ? this.#onDisk(this.#life) : Promise.resolve());
    const invocation = new Invocation(this.#label, gate);
    void invocation.death.catch(() => {
      if (this.#life?.invocation !== invocation) return;
      this.#life = undefined;
      this.#rollBack();
    });
    let ready: Promise<void> = Promise.resolve();
    const context = {
      id: { name: this.#name, toString: () => this.#name },
      storage: this.#storage(invocation),
      blockConcurrencyWhile: (work: () => Promise<unknown>) => {
        ready = (async () => void (await work()))();
        ready.catch((error: unknown) => invocation.kill(`could not begin: ${String(error)}`));
        return ready;
      },
      waitUntil: () => {},
    };
    const life: { invocation: Invocation; instance: Record<string, unknown>; ready: Promise<void> } = {
      invocation,
      instance: {},
      ready,
    };
    this.#life = life;
    void invocation.run(async () => {
      life.instance = new this.#class(context as never, this.#env as never) as Record<string, unknown>;
      life.ready = ready;
    });
    return life;
  }

  #storage(invocation: Invocation) {
    const alive = <T>(work: () => T): T => {
      if (invocation.isDead) throw new Died("the object is gone");
      return work();
    };
    return {
      sql: {
        exec: (query: string, ...bindings: (string | number | null)[]) =>
          alive(() => {
            const rows = this.#database.rows(query, bindings);
            if (!this.#database.onlyReads(query)) this.#isDirty = true;
            return { toArray: () => rows };
          }),
      },
      transactionSync: <T>(work: () => T): T => alive(() => this.#database.allOrNothing(work)),
      getAlarm: async () => alive(() => this.#alarm),
      setAlarm: async (time: number | Date) =>
        alive(() => {
          if (Number(time) <= 0) throw new TypeError("setAlarm() cannot be called with an alarm time <= 0");
          this.#alarm = Number(time);
          this.#isDirty = true;
        }),
      deleteAlarm: async () =>
        alive(() => {
          this.#alarm = null;
          this.#isDirty = true;
        }),
    };
  }

  /**
   * Resolves when everything that was written is on disk. Never rejects: if the life ends before, it never resolves.
   */
  async #onDisk(life: Life): Promise<void> {
    while (this.#isDirty || this.#flushing !== undefined) {
      this.#flushing ??= this.#flush(life);
      await this.#flushing;
      if (life.invocation.isDead) await never();
    }
  }

  async #flush(life: Life): Promise<void> {
    this.#isDirty = false;
    const dies = this.#world.strikes("object evicted", `${this.#label} before its writes were on disk`);
    await asPlatform(() => this.#world.sleep(this.#world.random.duration(6)));
    if (life.invocation.isDead) return;
    if (dies) {
      this.evict("was evicted");
      return;
    }
    this.#database.commit();
    this.#flushing = undefined;
    this.#alarmOnDisk = this.#alarm;
    this.#arrange();
  }

  #rollBack(): void {
    this.#database.rollBack();
    this.#isDirty = false;
    this.#flushing = undefined;
    this.#alarm = this.#alarmOnDisk;
    this.#arrange();
  }

  #arrange(): void {
    if (this.#appointment) this.#appointment.cancelled = true;
    this.#appointment = undefined;
    const time = this.#alarmOnDisk;
    if (time === null) return;
    const late = this.#world.strikes("alarm late", this.#label)
      ? this.#world.random.between(5_000, 300_000)
      : 0;
    const ahead = this.#world.clocks.of(this.#label) - this.#world.now;
    const due = Math.max(time - ahead, this.#world.now, this.#alarmNotBefore) + late;
    this.#appointment = asPlatform(() => this.#world.at(due, () => void this.#ring()));
  }

  /** Runs the alarm at least once: it stays set on disk until it has succeeded. */
  async #ring(): Promise<void> {
    const rung = this.#alarmOnDisk;
    if (rung === null) return;
    if (this.#isRinging) return; // one alarm at a time: the next is arranged when this one has ended
    if (this.#world.clocks.of(this.#label) < rung) return this.#arrange(); // the clock was set back in the meantime
    const twice = this.#world.strikes("alarm twice", this.#label);
    const life = this.#alive();
    const stop = limitTo(this.#world, life.invocation, LIMIT);
    this.#alarm = null;
    this.#isDirty = true;
    this.#isRinging = true;
    try {
      await life.invocation.run(async () => {
        await life.ready;
        this.#world.say(`${this.#label} alarm`);
        const alarm = life.instance.alarm as (() => Promise<void>) | undefined;
        await alarm?.call(life.instance);
        await this.#onDisk(life);
      });
      this.#failedAlarms = 0;
      this.#alarmNotBefore = 0;
      if (twice) this.#setAgain(this.#world.clocks.of(this.#label));
    } catch (error) {
      const counted = !(error instanceof Died);
      this.#world.say(`${this.#label} alarm failed: ${String(error)}`);
      if (counted && ++this.#failedAlarms > ALARM_RETRIES) {
        this.#world.say(`${this.#label}: its alarm is given up`);
        this.#alarmOnDisk = null;
        this.#alarm = null;
        return;
      }
      this.#alarmNotBefore = this.#world.now + 2_000 * 2 ** Math.min(this.#failedAlarms, 6);
      this.#setAgain(this.#alarmNotBefore);
    } finally {
      stop();
      this.#isRinging = false;
      this.#arrange();
    }
  }

  #setAgain(time: number): void {
    this.#alarm = Math.min(time, this.#alarm ?? Infinity);
    this.#alarmOnDisk = Math.min(time, this.#alarmOnDisk ?? Infinity);
    this.#arrange();
  }
}

/** Returns an error as the caller of an RPC sees it: a copy without its class. */
function overRpc(error: unknown): Error {
  if (error instanceof Died)
    return new Error("Durable Object reset because its code was updated or it was evicted.");
  if (!(error instanceof Error)) return new Error(String(error));
  const copy = new Error(error.message);
  copy.name = error.name;
  return copy;
}
