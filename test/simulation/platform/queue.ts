import { copyOf } from "../world/copy.ts";
import { operation } from "../world/operation.ts";
import type { Consumer } from "../../../shared/pipeline.ts";
import type { FaultKind } from "../world/faults.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

interface Stored {
  readonly id: string;
  readonly body: unknown;
  readonly sentAt: number;
  attempts: number;
  visibleAt: number;
  taken: boolean;
}

const RETENTION = 4 * 86_400_000;
const BODY_BYTES = 128_000;
const BATCH_BYTES = 256_000;
const CONCURRENCY = 4;

export interface QueueConsumer {
  readonly settings: Consumer;
  /** Runs the consumer on a batch. @throws when the consumer dies or throws */
  readonly deliver: (batch: MessageBatch) => Promise<void>;
  /** Tells whether a running consumer hangs. The platform then gives it up and runs another one beside it. */
  readonly standsStill: () => boolean;
  readonly deadLetters?: SimulatedQueue;
}

interface QueuePlan {
  readonly name: string;
  /** Milliseconds for which a message is kept. */
  readonly retention?: number;
  /** Its messages are pointers that a watchdog sends again. */
  readonly pointsOnly: boolean;
}

/** A queue with production's semantics: at least once, in any order, with retries, and a dead-letter queue behind it. */
export class SimulatedQueue {
  readonly #world: World;
  readonly plan: QueuePlan;
  readonly #messages: Stored[] = [];
  #consumer: QueueConsumer | undefined;
  #running = 0;
  #sent = 0;
  #pausedUntil = 0;
  readonly #overlaps: Random;

  constructor(world: World, plan: QueuePlan) {
    this.#world = world;
    this.plan = plan;
    this.#overlaps = world.random.of(`consumers of ${plan.name}`);
  }

  consumedBy(consumer: QueueConsumer): void {
    this.#consumer = consumer;
  }

  /** Returns the bodies of all messages that are not acknowledged, delivered or not. */
  bodies(): unknown[] {
    return this.#messages.map(({ body }) => body);
  }

  binding(): Queue {
    const binding = {
      send: (body: unknown, options: { delaySeconds?: number } = {}) => {
        const message = this.#checked(body);
        return this.#change(`queue ${this.plan.name} send ${brief(message)}`, () =>
          this.#accept(message, options.delaySeconds),
        );
      },
      sendBatch: (messages: Iterable<{ body: unknown; delaySeconds?: number }>) => {
        const all = [...messages].map(({ body, delaySeconds }) => ({
          body: this.#checked(body),
          delaySeconds,
        }));
        if (all.length > 100) throw new Error("Queue sendBatch failed: at most 100 messages");
        if (all.reduce((sum, { body }) => sum + sizeOf(body), 0) > BATCH_BYTES)
          throw new Error("Queue sendBatch failed: Payload Too Large");
        return this.#change(`queue ${this.plan.name} send ${all.length} messages`, () => {
          for (const { body, delaySeconds } of all) this.#accept(body, delaySeconds);
        });
      },
      metrics: () =>
        operation(this.#world, {
          label: `queue ${this.plan.name} metrics`,
          effect: () => this.#metrics(),
          writes: false,
        }),
    };
    return binding as unknown as Queue;
  }

  #change(label: string, effect: () => void): Promise<void> {
    return operation(this.#world, {
      label,
      effect,
      writes: true,
      takes: 30,
      failure: "Queue send failed: 500",
    });
  }

  #checked(body: unknown): unknown {
    if (sizeOf(body) > BODY_BYTES) throw new Error("Queue send failed: Payload Too Large");
    return copyOf(body);
  }

  #accept(body: unknown, delaySeconds = 0): void {
    const { random } = this.#world;
    if (this.plan.pointsOnly && this.#strikes("message expired", brief(body))) return;
    const delay = this.#strikes("message delayed", brief(body))
      ? random.between(10_000, 900_000)
      : random.duration(200);
    if (this.#strikes("queue paused", "")) this.#pause(random.between(60_000, 7_200_000));
    this.#keep(body, delaySeconds * 1_000 + delay);
    if (this.#strikes("message duplicated", brief(body))) this.#keep(body, delaySeconds * 1_000 + delay);
  }

  #keep(body: unknown, delay: number): void {
    const id = `${this.plan.name}-${++this.#sent}`;
    const visibleAt = this.#world.now + delay;
    const message = {
      id,
      body: copyOf(body),
      sentAt: this.#world.now,
      attempts: 0,
      visibleAt,
      taken: false,
    };
    this.#messages.push(message);
    this.#wakeAt(visibleAt);
  }

  #strikes(kind: FaultKind, what: string): boolean {
    return this.#world.strikes(kind, `${this.plan.name} ${what}`);
  }

  #pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#world.now + milliseconds);
    this.#wakeAt(this.#pausedUntil);
  }

  #wakeAt(time: number): void {
    this.#world.at(time, () => this.#deliverWhatIsDue());
  }

  #deliverWhatIsDue(): void {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    const { now, random, calm } = this.#world;
    if (now < this.#pausedUntil && !calm) return;
    const { settings, deadLetters } = consumer;
    for (const message of this.#messages.filter(({ taken }) => !taken)) {
      if (now - message.sentAt > (this.plan.retention ?? RETENTION)) this.#remove(message);
      else if (message.attempts > settings.max_retries) {
        this.#remove(message);
        deadLetters?.moveIn(message.body);
      }
    }
    const most = settings.max_concurrency ?? CONCURRENCY;
    for (;;) {
      const due = this.#messages.filter(({ taken, visibleAt }) => !taken && visibleAt <= now);
      if (due.length === 0) return;
      if (this.#running > most || (this.#running === most && !this.#isGivenUp(consumer))) return;
      const batch = random.shuffled(due).slice(0, random.between(1, settings.max_batch_size));
      void this.#deliver(batch, consumer);
    }
  }

  #isGivenUp({ standsStill }: QueueConsumer): boolean {
    return standsStill() || this.#world.strikes("consumer beside another", this.plan.name, this.#overlaps);
  }

  /** Receives a message that the platform moves here from another queue. */
  moveIn(body: unknown): void {
    this.#accept(body);
  }

  async #deliver(batch: readonly Stored[], { settings, deliver }: QueueConsumer): Promise<void> {
    this.#running++;
    const settledAs = new Map<Stored, "ack" | { retry: number }>();
    for (const message of batch) {
      message.taken = true;
      message.attempts++;
    }
    const messages = batch.map((message) => ({
      id: message.id,
      body: copyOf(message.body),
      attempts: message.attempts,
      timestamp: new Date(message.sentAt),
      ack: () => void (settledAs.has(message) || settledAs.set(message, "ack")),
      retry: ({ delaySeconds = settings.retry_delay } = {}) =>
        void (settledAs.has(message) || settledAs.set(message, { retry: delaySeconds })),
    }));
    let died = false;
    try {
      await deliver({
        queue: this.plan.name,
        messages,
        ackAll() {},
        retryAll() {},
      } as unknown as MessageBatch);
    } catch (error) {
      died = true;
      this.#world.say(`queue ${this.plan.name}: the consumer failed: ${String(error)}`);
    }
    this.#running--;
    for (const message of batch) {
      const outcome = died ? { retry: settings.retry_delay } : (settledAs.get(message) ?? "ack");
      if (outcome === "ack" && !this.#strikes("message duplicated", message.id)) this.#remove(message);
      else {
        message.taken = false;
        const delay =
          outcome === "ack" ? this.#world.random.between(1_000, 1_800_000) : outcome.retry * 1_000;
        message.visibleAt = this.#world.now + delay;
        this.#wakeAt(message.visibleAt);
      }
    }
    this.#wakeAt(this.#world.now);
  }

  #remove(message: Stored): void {
    this.#messages.splice(this.#messages.indexOf(message), 1);
  }

  #metrics() {
    const waiting = this.#messages.map(({ sentAt }) => sentAt);
    return {
      backlogCount: waiting.length,
      backlogBytes: this.#messages.reduce((sum, { body }) => sum + sizeOf(body), 0),
      ...(waiting.length > 0 && { oldestMessageTimestamp: new Date(Math.min(...waiting)) }),
    };
  }
}

function sizeOf(body: unknown): number {
  return Buffer.byteLength(JSON.stringify(body));
}

function brief(body: unknown): string {
  const { txId, blockNumber, kind } = body as { txId?: string; blockNumber?: number; kind?: string };
  return [kind, txId, blockNumber].filter((part) => part !== undefined).join(" ");
}
