import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../support/processes.ts";
import { violationsOf, type DeadLetter } from "./check.ts";
import { Journal } from "./journal.ts";
import { judge, Memory, type MemoryVerdict } from "./memory.ts";
import { Orders } from "./orders.ts";
import { Outside, type Target } from "./outside.ts";
import { Random } from "./random.ts";
import { planRestarts, type PlannedRestart, type Restart } from "./restarts.ts";
import { SoakStack, type StackSettings } from "./stack.ts";
import { readStored } from "./stored.ts";
import { Submitters } from "./submitters.ts";
import { HANG_AFTER_MS } from "../support/patience.ts";

interface SoakOptions {
  readonly payments: number;
  readonly restarts: number;
  readonly seed: number;
  /** The number of orders under way at a time. */
  readonly lanes: number;
  /** Whether to measure and judge memory. */
  readonly memory: boolean;
  /** An empty directory. The caller removes it. */
  readonly directory: string;
  /** The beginning of the run, milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly onOrder?: (done: number) => void;
  readonly say?: (line: string) => void;
}

export interface Outcome {
  readonly violations: readonly string[];
  /** The number of transactions that were sent. */
  readonly transactions: number;
  /** The number of transactions in blocks, repeats included. */
  readonly mined: number;
  readonly setAside: number;
  readonly blocks: number;
  readonly requests: number;
  readonly repeats: number;
  readonly retries: number;
  readonly requeued: number;
  readonly restarts: Readonly<Record<PlannedRestart["restart"]["how"] | "while-starting", number>>;
  /** Seconds from the first payment to the last, restarts included. */
  readonly seconds: number;
  readonly memory: readonly MemoryVerdict[];
}

const VARIABLES = { MINE_AT_COUNT: "50", MINE_AFTER_SECONDS: "5", STALL_AFTER_SECONDS: "5" };
const SAMPLE_EVERY = 3_000; // milliseconds
const LOOK_EVERY = 500;
/** Milliseconds. A payment is in the queue for about a second before the chain head can know it. */
const ADMITTED_BY = 1_500;

/** Runs the soak, from an empty directory to the result. */
export async function soak(options: SoakOptions): Promise<Outcome> {
  const run = new Run(options);
  try {
    await run.begin();
    await run.load();
    return await run.finish();
  } finally {
    await run.end();
  }
}

class Run {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #orders: Orders;
  readonly #journal = new Journal();
  readonly #outside: Outside;
  readonly #restarted = { stop: 0, kill: 0, "kill-admitted": 0, "while-starting": 0 };
  readonly #background: Promise<void>[] = [];
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  #settings: StackSettings | undefined;
  #stack: SoakStack | undefined;
  /** The number of stacks started so far. */
  #starts = 0;
  #target: Target | undefined;
  #memory: Memory | undefined;
  /** Lanes take no new order until it resolves. */
  #pause: Promise<void> = Promise.resolve();
  #begun = 0;
  #seconds = 0;
  #done = 0;
  #placing = 0;
  /** Stacks that were told to end. */
  readonly #ending = new WeakSet<SoakStack>();
  #requestsBefore = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#over.signal]);
    this.#random = new Random(options.seed);
    const since = Math.floor(options.now / 1_000) - options.payments - 7_200;
    this.#orders = new Orders(this.#random, new Submitters(), `soak-${options.seed}`, since);
    this.#outside = new Outside(
      () => this.#target ?? this.#fail("nothing is started"),
      () => this.#starts,
      this.#journal,
      this.#signal,
    );
  }

  async begin(): Promise<void> {
    const { directory, memory } = this.#options;
    const dataDirectory = join(directory, "data");
    mkdirSync(dataDirectory);
    const inspectorPort = memory ? await freePort() : undefined;
    this.#settings = {
      dataDirectory,
      logFile: join(directory, "stack.log"),
      port: await freePort(),
      inspectorPort,
      variables: VARIABLES,
    };
    if (inspectorPort !== undefined) this.#memory = new Memory(inspectorPort);
    await this.#start(undefined);
    this.#background.push(this.#every(LOOK_EVERY, () => this.#look()));
    if (this.#memory) this.#background.push(this.#every(SAMPLE_EVERY, () => this.#sample()));
  }

  async load(): Promise<void> {
    const { payments, restarts, lanes } = this.#options;
    const planned = [...planRestarts(this.#random, restarts, payments)];
    let next = 0;
    let restarting: Promise<void> = Promise.resolve();
    const lane = async () => {
      for (;;) {
        await this.#pause;
        if (next >= payments) return;
        next++;
        const [due] = planned;
        if (due !== undefined && next >= due.at) {
          planned.shift();
          this.#pause = restarting; // waits for the previous restart, so that each start gets its share of the load
          await this.#pause;
          restarting = restarting.then(() => this.#restart(due));
          restarting.catch((error: unknown) => this.#over.abort(error)); // ends the work under way
        }
        await this.#place();
        this.#done++;
        this.#options.onOrder?.(this.#done);
      }
    };
    this.#begun = performance.now();
    await Promise.all(Array.from({ length: lanes }, lane));
    await restarting;
    this.#seconds = (performance.now() - this.#begun) / 1_000;
  }

  /** Waits until no work is left, stops the stack, and checks what is stored. */
  async finish(): Promise<Outcome> {
    const { violations } = this.#journal;
    const target = this.#target ?? this.#fail("nothing is started");
    await this.#untilSettled(target);
    const deadLetters = await deadLettersOf(target);
    const held = this.#memory?.held ?? [];
    writeFileSync(join(this.#options.directory, "memory.json"), JSON.stringify(held));
    const memory = judge(held);
    const stack = this.#stack ?? this.#fail("nothing is started");
    this.#ending.add(stack);
    const code = await stack.stop("SIGTERM");
    if (code !== 0) violations.push(`the stack ended with ${code} when it was asked to stop`);
    const stored = await readStored((this.#settings as StackSettings).dataDirectory);
    violations.push(...(await violationsOf(stored, this.#journal.expected, deadLetters)));
    for (const { what, worst } of memory)
      if (worst?.flat === false)
        violations.push(
          `${what} grew from ${worst.from} to ${worst.to} bytes, by more than ${worst.allowed}`,
        );
    const { requests, repeats, retries, requeued, expected } = this.#journal;
    return {
      violations,
      transactions: expected.size,
      mined: stored.blocks.reduce((sum, { kv }) => sum + Number(kv?.transactionCount ?? 0), -1), // without genesis
      setAside: deadLetters.length,
      blocks: stored.blocks.length,
      requests,
      repeats,
      retries,
      requeued,
      restarts: this.#restarted,
      seconds: this.#seconds,
      memory,
    };
  }

  async end(): Promise<void> {
    this.#over.abort(new Error("the run is over"));
    await Promise.allSettled(this.#background);
    this.#memory?.close();
    await this.#stack?.end();
  }

  async #place(): Promise<void> {
    this.#placing++;
    const order = await this.#orders.next();
    this.#journal.expect(order);
    for (const wave of order.waves) await Promise.all(wave.map((post) => this.#outside.post(post)));
    this.#placing--;
  }

  async #start(killedAfter: number | undefined): Promise<void> {
    const settings = this.#settings ?? this.#fail("not begun");
    if (killedAfter !== undefined) {
      this.#stack = this.#launch(settings);
      await wait(killedAfter, undefined, { signal: this.#signal });
      this.#stack.kill("group");
      await this.#stack.untilGone();
      this.#restarted["while-starting"]++;
    }
    const stack = this.#launch(settings);
    this.#stack = stack;
    void this.#watch(stack);
    await stack.untilReady(this.#signal);
    this.#target = this.#stack.target;
    this.#requestsBefore = this.#journal.requests;
    this.#memory?.begin();
  }

  #launch(settings: StackSettings): SoakStack {
    this.#starts++;
    return SoakStack.launch(settings);
  }

  /** Ends the run when a stack ends without being told to. */
  async #watch(stack: SoakStack): Promise<void> {
    const code = await stack.ended;
    if (!this.#ending.has(stack))
      this.#over.abort(new Error(`the stack ended by itself, with exit code ${code}`));
  }

  async #restart(planned: PlannedRestart): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (planned.restart.how !== "kill") this.#pause = promise;
    try {
      await this.#end(planned.restart);
      this.#restarted[planned.restart.how]++;
      const facts = JSON.stringify(planned.restart);
      this.#options.say?.(`restart at ${this.#done}: ${facts}, ${this.#journal.answered.size} not seen yet`);
      await this.#start(planned.startKilledAfter);
      resolve();
      if (planned.restart.how === "kill") await this.#putBack();
      await Promise.all(this.#orders.earlier(20).map((post) => this.#outside.post(post)));
    } finally {
      resolve(); // resolved after an error too, so that no lane waits for ever
    }
  }

  async #end(restart: Restart): Promise<void> {
    const stack = this.#stack ?? this.#fail("not begun");
    if (restart.how === "stop") {
      await this.#untilPlaced();
      this.#ending.add(stack);
      const code = await stack.stop(restart.signal);
      if (code !== 0) this.#journal.violations.push(`the stack ended with ${code} on ${restart.signal}`);
    } else {
      if (restart.how === "kill-admitted") {
        await this.#untilPlaced();
        await this.#untilAllSeen();
      }
      await this.#breathe(restart.afterMilliseconds);
      this.#ending.add(stack);
      stack.kill(restart.victim);
    }
    await stack.untilGone();
  }

  /**
   * Waits until no order is under way. A restart calls this while new orders are held back: a payment that is answered
   * later would still be in the local queue when the stack ends.
   */
  async #untilPlaced(): Promise<void> {
    while (this.#placing > 0) await this.#breathe(20);
  }

  /**
   * Posts answered payments again that the chain head does not know. The local queue held them in memory, and they died
   * with the stack, or with a start that was killed after it had answered. Production's queues are durable.
   */
  async #putBack(): Promise<void> {
    for (const [txId, { post, start }] of this.#journal.answered) {
      if (start === this.#starts || (await this.#outside.isKnown(txId)) === true) continue;
      this.#journal.requeued++;
      await this.#outside.post(post);
    }
  }

  /** Asks the chain head about transactions that were answered earlier. */
  async #look(): Promise<void> {
    const waiting = [...this.#journal.answered.keys()].slice(0, 400);
    const lane = async () => {
      for (let txId = waiting.shift(); txId !== undefined; txId = waiting.shift()) {
        const known = await this.#outside.isKnown(txId);
        if (known === undefined) return; // the stack is being started again
        if (known) this.#journal.see(txId);
      }
    };
    await Promise.all([lane(), lane(), lane()]);
  }

  async #untilAllSeen(): Promise<void> {
    for (
      const deadline = Date.now() + HANG_AFTER_MS;
      this.#journal.answered.size > 0;
      await this.#breathe(50)
    )
      if (Date.now() > deadline) return void this.#journal.violations.push(this.#unseen());
  }

  #unseen(): string {
    const [first] = this.#journal.answered.keys();
    return `${this.#journal.answered.size} transactions were answered with 2xx, and the chain head does not know them after ${HANG_AFTER_MS / 1_000} s, ${first} among them`;
  }

  async #untilSettled(target: Target): Promise<void> {
    let seen = "";
    for (const deadline = Date.now() + HANG_AFTER_MS; ; await this.#breathe(200)) {
      const { counts, inFlight, latest, halted, failures } = await statusOf(target);
      const idle =
        this.#journal.answered.size === 0 &&
        counts.pending === 0 &&
        inFlight.length === 0 &&
        latest === counts.blocks - 1 &&
        failures.every(({ parked }) => parked);
      if (idle) break;
      seen = JSON.stringify({ counts, inFlight, latest, halted, unseen: this.#journal.answered.size });
      if (halted !== null || Date.now() > deadline)
        return void this.#journal.violations.push(`it did not come to rest: ${seen}`);
    }
    await this.#breathe(ADMITTED_BY); // the count of pending transactions is written at most once a second
  }

  async #sample(): Promise<void> {
    if (this.#stack === undefined || !this.#stack.running) return;
    await this.#memory?.sample(this.#stack, this.#journal.requests - this.#requestsBefore);
  }

  /** Repeats the work until the run is over. */
  async #every(milliseconds: number, work: () => Promise<void>): Promise<void> {
    while (!this.#signal.aborted) {
      await work();
      await wait(milliseconds, undefined, { signal: this.#signal }).catch(() => {}); // the run is over
    }
  }

  #breathe(milliseconds: number): Promise<void> {
    return wait(milliseconds, undefined, { signal: this.#signal });
  }

  #fail(why: string): never {
    throw new Error(why);
  }
}

interface Status {
  readonly latest: number | null;
  readonly halted: unknown;
  readonly counts: { readonly pending: number; readonly blocks: number };
  readonly inFlight: readonly unknown[];
  readonly failures: readonly { readonly parked: boolean }[];
}

async function operate<Body>({ url, adminSecret }: Target, path: string): Promise<Body> {
  const response = await fetch(url + path, { headers: { "x-admin-secret": adminSecret } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json<Body>();
}

function statusOf(target: Target): Promise<Status> {
  return operate(target, "/api/vdc/status");
}

async function deadLettersOf(target: Target): Promise<readonly DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let cursor = ""; ;) {
    const page = await operate<{ entries: DeadLetter[]; next: string | null }>(
      target,
      `/api/dead-letters?limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    found.push(...page.entries);
    if (page.next === null) return found;
    cursor = page.next;
  }
}
