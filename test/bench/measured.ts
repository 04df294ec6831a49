import type { Reservation, SealedBlock } from "../../shared/chain/reservation.ts";
import { ChainHead } from "../../workers/chain-head/index.ts";
import type { Env as ChainHeadEnv } from "../../workers/chain-head/env.ts";
import type { Env as DeadLettersEnv } from "../../workers/dead-letters/env.ts";
import { DeadLetters } from "../../workers/dead-letters/object.ts";
import { filledTxId, fillChainHead, fillDeadLetters, type Volume } from "./fill.ts";

/** The rows that a batch's statements have read and written, as the platform bills them. */
export interface Rows {
  readonly read: number;
  readonly written: number;
}

/** The batches of an object, in order, and the number of calls in each. */
export type BatchList = readonly { readonly name: string; readonly times: number }[];

const cursors: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];
let isWatched = false;

/** Keeps the cursor of every statement, to count its rows when the batch is over. */
function watch({ storage }: DurableObjectState): void {
  if (isWatched) return;
  isWatched = true;
  const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
  const methods = { exec: Reflect.get(prototype, "exec") };
  prototype.exec = function (this: SqlStorage, ...given: Parameters<SqlStorage["exec"]>) {
    const cursor = Reflect.apply(methods.exec, this, given);
    cursors.push(cursor);
    return cursor;
  } as SqlStorage["exec"];
}

async function rowsOf(work: () => Promise<unknown>): Promise<Rows> {
  cursors.length = 0;
  await work();
  const sum = (of: (cursor: (typeof cursors)[number]) => number) =>
    cursors.reduce((total, cursor) => total + of(cursor), 0);
  return { read: sum(({ rowsRead }) => rowsRead), written: sum(({ rowsWritten }) => rowsWritten) };
}

const BEGIN = 1_800_000_000_000;
/**
 * The time that the objects see. It advances by a second before each batch, so the machine's speed does not decide
 * which items of the outbox are due.
 */
let now = BEGIN;
Date.now = () => now;

const queue = { send: async () => {}, sendBatch: async () => {}, metrics: async () => ({}) };

const CHAIN_HEAD_ENV = {
  KV: { put: async () => {}, get: async () => null },
  R2: { list: async () => ({ objects: [] }) },
  MINER_QUEUE: queue,
  TIER_PERSISTER_QUEUE: queue,
  INDEXER_QUEUE: queue,
  PENDING_CLEANER_QUEUE: queue,
  SET_ASIDE_QUEUE: queue,
  MINING_MODE: "auto",
  MINE_AT_COUNT: "500",
  MINE_AFTER_SECONDS: "300",
  BLOCK_MAX_TRANSACTIONS: "100",
  BLOCK_MAX_BYTES: "262144",
  MAX_BLOCKS_IN_FLIGHT: "4",
  STALL_AFTER_SECONDS: "86400",
  INTENT_TTL_DAYS: "30",
  WRITE_LANDS_WITHIN_SECONDS: "120",
} as unknown as ChainHeadEnv;

/** The real chain head. Its calls to the outside are replaced, and only a measured alarm runs. */
export class MeasuredChainHead extends ChainHead {
  #n = 0;
  /** The number of batches so far. */
  #measured = 0;
  readonly #blocks: { readonly life: string; readonly blockNumber: number }[] = [];
  readonly #taken: string[] = [];

  constructor(context: DurableObjectState) {
    watch(context);
    context.storage.setAlarm = async () => {};
    super(context, CHAIN_HEAD_ENV);
  }

  fill(volume: Volume): void {
    now = BEGIN;
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => fillChainHead(sql, volume, Date.now()));
  }

  #next(): string {
    return `vdc_tx_f${(this.#n++).toString(16).padStart(39, "0")}`;
  }

  #entry(pays?: string) {
    return {
      txId: this.#next(),
      timestamp: Date.now(),
      size: 500,
      envelopeSize: 3_000,
      ...(pays !== undefined && { pays }),
    };
  }

  /** Batches of equal calls. They build upon each other, so they are measured in this order. */
  readonly batches: Readonly<Record<string, { readonly times: number; run(i: number): Promise<unknown> }>> = {
    "decision: admit": { times: 50, run: () => this.admit([this.#entry()]) },
    "decision: admit, a mined one again": {
      times: 20,
      run: (i) => this.admit([{ txId: filledTxId(1, i), timestamp: 1, size: 500, envelopeSize: 3_000 }]),
    },
    "decision: await payment": {
      times: 20,
      run: () => this.awaitPayment([{ ...this.#entry(), receivedAt: Date.now() }]),
    },
    "decision: admit a payment of a submission": {
      times: 20,
      run: (i) => this.admit([this.#entry(filledTxId(4, 2 * (i + this.#n)))]),
    },
    "decision: ask for mining": { times: 20, run: () => this.requestMining() },
    "decision: mine if due": { times: 20, run: () => this.mineIfDue() },
    "decisions: reserve, set aside, seal": { times: 4, run: () => this.#makeBlock() },
    "decision: persisted": { times: 4, run: (i) => this.#report(i, "persisted") },
    "decision: indexed": { times: 4, run: (i) => this.#report(i, "indexed") },
    "decision: cleaned": { times: 4, run: (i) => this.#report(i, "cleaned") },
    "alarm of the chain head": { times: 1, run: () => this.alarm() },
    "decision: readmit": { times: 4, run: () => this.readmit([this.#taken.shift() ?? ""]) },
    "decision: erase": { times: 4, run: (i) => this.erase(filledTxId(3, i + this.#n), true) },
    "decision: halt and resume": { times: 4, run: () => this.#haltAndResume() },
    "cron of the miner": { times: 4, run: () => this.#minute() },
    "status call": { times: 20, run: () => this.#statusCall() },
    "/api/ready, chain head": { times: 20, run: async () => this.status() },
    "metrics, chain head": { times: 20, run: async () => [this.status(), this.measures()] },
    "pending call": { times: 20, run: async () => this.pendingPage(null, 100) },
    "transaction call": { times: 20, run: async (i) => this.whereIs(filledTxId(1, i)) },
    "dead letters' question": {
      times: 20,
      run: async () =>
        this.knownStates(
          Array.from({ length: 100 }, (_, i) => filledTxId(3, i)),
          [0, 1],
        ),
    },
  };

  listBatches(): BatchList {
    return Object.entries(this.batches).map(([name, { times }]) => ({ name, times }));
  }

  storedBytes(): number {
    return this.ctx.storage.sql.databaseSize;
  }

  async measure(name: string): Promise<Rows> {
    const batch = this.batches[name];
    if (batch === undefined) throw new Error(`there is no batch ${name}`);
    now = BEGIN + ++this.#measured * 1_000;
    if (name === "decision: persisted") this.#blocks.splice(0, this.#blocks.length - 4);
    return rowsOf(async () => {
      for (let i = 0; i < batch.times; i++) await batch.run(i);
    });
  }

  async #makeBlock(): Promise<void> {
    const reserved = await this.reserve();
    if ("none" in reserved) throw new Error(`nothing was reserved: ${reserved.none}`);
    const [txId = ""] = reserved.transactions;
    const refusal = {
      txId,
      reason: "unknown_asset",
      error: "it transfers an asset that does not exist",
    } as const;
    const revised = await this.setAside({ ...reserved, refused: [refusal] });
    if ("none" in revised) throw new Error(`the reservation was not revised: ${revised.none}`);
    const answer = await this.seal(revised.blockNumber, revised.previousHash, sealedOf(revised));
    if ("stale" in answer) throw new Error("the reservation is stale");
    this.#taken.push(txId);
    this.#blocks.push({ life: revised.life, blockNumber: revised.blockNumber });
  }

  #report(i: number, what: "persisted" | "indexed" | "cleaned"): Promise<unknown> {
    const report = this.#blocks[i];
    if (report === undefined) throw new Error(`no block ${i} was made`);
    if (what === "indexed") return this.indexed(report);
    if (what === "cleaned") return this.cleaned(report);
    const hash = hashOf(report.blockNumber);
    return this.persisted({ ...report, hash, sha256: hash, ipfsHash: hash });
  }

  async #haltAndResume(): Promise<void> {
    await this.halt("a benchmark");
    await this.resume("ann", "a benchmark");
  }

  /** Makes the calls of the miner's cron when a page of `pending/` is full. */
  async #minute(): Promise<void> {
    await this.minerKeys({ keyIds: ["key"], signingKeyId: "key" });
    this.sweepPlaces();
    const known = Array.from({ length: 200 }, (_, i) => ({
      txId: filledTxId(2, i),
      timestamp: 1,
      size: 500,
      envelopeSize: 3_000,
    }));
    await this.admit(known);
    await this.noteSwept("pending", "pending/x");
    await this.mineIfDue();
  }

  async #statusCall(): Promise<unknown> {
    return [this.status(), this.head(), this.failures(20)];
  }
}

function hashOf(blockNumber: number): string {
  return (blockNumber + 1).toString(16).padStart(64, "0");
}

function sealedOf({ life, blockNumber, revision }: Reservation): SealedBlock {
  return {
    life,
    revision,
    hash: hashOf(blockNumber),
    sha256: hashOf(blockNumber),
    cid: hashOf(blockNumber),
    byteLength: 1_000,
    keyId: "key",
    announces: [],
    revokes: [],
    systemTransactions: 0,
    assets: [],
    users: [],
  };
}

const DEAD_LETTERS_ENV = {
  CHAIN_ID: "bench",
  R2: { list: async () => ({ objects: [], truncated: false }) },
  CHAIN_HEAD: {
    getByName: () => ({
      knownStates: async (txIds: string[], blocks: number[]) => ({
        transactions: txIds.map(() => null),
        blocks: blocks.map(() => null),
      }),
    }),
  },
} as unknown as DeadLettersEnv;

/** The real index of dead letters, measured in the same way. */
export class MeasuredDeadLetters extends DeadLetters {
  #n = 0;
  /** The number of batches so far. */
  #measured = 0;

  constructor(context: DurableObjectState) {
    watch(context);
    context.storage.setAlarm = async () => {};
    super(context, DEAD_LETTERS_ENV);
  }

  fill(volume: Volume): void {
    now = BEGIN;
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => fillDeadLetters(sql, volume, Date.now()));
  }

  readonly batches: Readonly<Record<string, { readonly times: number; run(i: number): Promise<unknown> }>> = {
    "note a dead letter": { times: 20, run: () => this.#note() },
    "dismiss a dead letter": {
      times: 20,
      run: (i) => this.dismiss(idOf(i + this.#n), { by: "ann", reason: "a benchmark" }),
    },
    "resolve the dead letters of a block": {
      times: 20,
      run: (i) => this.resolved({ stage: "indexer", blockNumber: 1_000_000 + i }),
    },
    "/api/ready, dead letters": { times: 20, run: async () => this.counts() },
    "list the newest dead letters": { times: 20, run: async () => this.list({}, null, 50) },
    "alarm of the dead letters": { times: 1, run: () => this.#alarm() },
  };

  listBatches(): BatchList {
    return Object.entries(this.batches).map(([name, { times }]) => ({ name, times }));
  }

  storedBytes(): number {
    return this.ctx.storage.sql.databaseSize;
  }

  async measure(name: string): Promise<Rows> {
    const batch = this.batches[name];
    if (batch === undefined) throw new Error(`there is no batch ${name}`);
    now = BEGIN + ++this.#measured * 1_000;
    return rowsOf(async () => {
      for (let i = 0; i < batch.times; i++) await batch.run(i);
    });
  }

  #note(): Promise<unknown> {
    const id = `f${(this.#n++).toString(16).padStart(31, "0")}`;
    const at = Date.now();
    const [stage, reason, error] = ["indexer", "retries_exhausted", "an error"] as const;
    const failures = [{ at, reason, error, attempts: 101 }];
    const seen = { firstSeen: at, lastSeen: at, failures };
    return this.note({ id, stage, reason, error, txId: null, blockNumber: 2, sealedTxId: null, ...seen });
  }

  /** Runs the alarm after the pause between two checks. */
  async #alarm(): Promise<void> {
    this.ctx.storage.sql.exec("DELETE FROM fact WHERE name = 'checkedAt'");
    await this.alarm();
  }
}

function idOf(n: number): string {
  return n.toString(16).padStart(32, "0");
}

interface Env {
  readonly CHAIN_HEADS: DurableObjectNamespace<MeasuredChainHead>;
  readonly DEAD_LETTERS: DurableObjectNamespace<MeasuredDeadLetters>;
}

/** Answers one request: fills an object, lists its batches, measures a batch, or returns the object's size in bytes. */
export default {
  async fetch(request, env) {
    const { object, name, fill, batch } = await request.json<Asked>();
    const stub = env[object].getByName(name);
    if (batch !== undefined) return Response.json(await stub.measure(batch));
    if (fill !== undefined) await stub.fill(fill);
    return Response.json({ batches: await stub.listBatches(), bytes: await stub.storedBytes() });
  },
} satisfies ExportedHandler<Env>;

export interface Asked {
  readonly object: keyof Env;
  readonly name: string;
  readonly fill?: Volume;
  readonly batch?: string;
}
