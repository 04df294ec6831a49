import { afterEach, beforeEach, vi } from "vitest";
import { payloadOfSubmission, type Submission } from "../../../../../shared/chain/submission.ts";
import { generateSecrets } from "../../../../../cli/local/stack/secrets.ts";
import { outlook } from "../../../../../workers/chain-head/decisions/outlook.ts";
import {
  noteSwept,
  sweepPlaces,
  type SweepPlaces,
} from "../../../../../workers/chain-head/decisions/sweep.ts";
import type { LedgerKeys } from "../../../../../shared/chain/ledger.ts";
import type { Envelope } from "../../../../../shared/crypto/envelope.ts";
import type { Log } from "../../../../../shared/runtime/log.ts";
import type { PendingTransaction } from "../../../../../shared/queue/messages.ts";
import { r2Keys } from "../../../../../shared/storage/layout.ts";
import type { Env as AccountsEnv } from "../../../../../workers/accounts/env.ts";
import { everyTenMinutes } from "../../../../../workers/accounts/scheduled.ts";
import { submit, type TakenSubmission } from "../../../../../workers/accounts/submissions/submit.ts";
import type { Env as WriterEnv } from "../../../../../workers/pending-writer/env.ts";
import { writePending } from "../../../../../workers/pending-writer/write-pending.ts";
import { CHAIN_ID, creation, newUser, signed } from "../../../../support/users/accounts.ts";
import { TestHead, txId } from "../../../../support/chain/chain-head.ts";
import { listed } from "../../../../support/stack/memory-bucket.ts";

/** Thrown when a process has died: from here on, each step outside the process fails. */
export class Crash extends Error {}

/** The step at which the process dies, either before the step happens or before the process hears that it happened. */
export interface CrashPoint {
  readonly step: number;
  readonly done: boolean;
}

interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly customMetadata: Record<string, string>;
  readonly uploaded: Date;
}

const { SYSTEM_ENCRYPTION_PUBLIC_KEY } = await generateSecrets();
const silent: Log = { info() {}, warn() {}, error() {}, with: () => silent };

/** Makes an envelope that no test opens. */
export function someEnvelope(of: string): Envelope {
  const [enc, ct] = [1_451, 22].map((length) => "A".repeat(length)) as [string, string];
  return { v: 1, suite: "HPKE-0041-0001-0002", kid: "0".repeat(64), txId: of, enc, ct };
}

/**
 * Runs the real accounts, pending-writer and chain head over an R2 and a queue in memory. The process can die at every
 * step outside itself, and a test can put the steps of several processes into any order.
 */
export class IntentsWorld {
  readonly head = new TestHead().begun();
  readonly objects = new Map<string, StoredObject>();
  /** Messages that pending-writer has not acknowledged. */
  queue: PendingTransaction[] = [];
  steps = 0;
  crashAt: CrashPoint | undefined;
  /** Waits until the test lets this step happen. */
  turn: (label: string) => Promise<unknown> = () => Promise.resolve();
  #dead = false;

  readonly env = {
    CHAIN_ID,
    SYSTEM_ENCRYPTION_PUBLIC_KEY,
    SUBMISSION_WINDOW_SECONDS: "900",
    PAID_TYPES: "asset_creation",
    REGISTRATION: "open",
    RATE_LIMITING: "off",
    R2: this.#bucket(),
    CHAIN_HEAD: { getByName: () => this.#chainHead() },
    PENDING_WRITER_QUEUE: {
      send: (message: PendingTransaction) => this.#step("enqueue", () => void this.queue.push(message)),
    },
  };

  /** Makes a submission that must be paid, signed now. */
  static async submission() {
    const submission = await signed(await newUser(), creation("deed-1", Date.now()));
    return { submission, id: payloadOfSubmission(CHAIN_ID, submission).transaction.id };
  }

  submit(submission: Submission): Promise<TakenSubmission> {
    return submit(submission, { allowUnregistered: false }, this.env as unknown as AccountsEnv, silent);
  }

  /** Enqueues a payment that the webhook has accepted. */
  pay(n: number, pays: string): void {
    const id = txId(n);
    this.queue.push({ v: 1, txId: id, timestamp: n, size: 500, pays, envelope: someEnvelope(id) });
  }

  /** Delivers the messages of the queue. A message that is not acknowledged stays in the queue. */
  async deliver(): Promise<void> {
    const batch = [...this.queue];
    if (batch.length === 0) return;
    const outcomes = await writePending(batch, this.env as unknown as WriterEnv, silent);
    if (this.#dead) throw new Crash();
    this.queue = this.queue.filter((message) => outcomes[batch.indexOf(message)]?.status !== "fulfilled");
  }

  cron(): Promise<void> {
    return everyTenMinutes(this.env as unknown as AccountsEnv);
  }

  /** Mines all pending transactions and clears their pending objects, as a miner and a cleaner do. */
  async mine(): Promise<void> {
    await this.turn("mine");
    this.head.requestMining();
    for (;;) {
      const reservation = this.head.reserve();
      if ("none" in reservation) return;
      this.head.seal(reservation);
      this.head.persisted(reservation.blockNumber);
      this.head.indexed(reservation.blockNumber);
      for (const id of reservation.transactions) {
        await this.turn("clear");
        this.objects.delete(r2Keys.pending(id));
      }
      await this.turn("cleaned");
      this.head.cleaned(reservation.blockNumber);
    }
  }

  /** Stops the processes until `revive`: each further step throws. */
  die(): void {
    this.#dead = true;
  }

  /** Starts the processes again. */
  revive(): void {
    this.#dead = false;
    this.crashAt = undefined;
  }

  has(key: string): boolean {
    return this.objects.has(key);
  }

  async #step<T>(label: string, effect: () => T): Promise<T> {
    await this.turn(label);
    if (this.#dead) throw new Crash();
    const dies = this.steps++ === this.crashAt?.step;
    if (dies) this.#dead = true;
    if (dies && this.crashAt?.done === false) throw new Crash();
    const answer = effect();
    if (dies) throw new Crash();
    return answer;
  }

  #chainHead() {
    const { head } = this;
    return {
      admit: (entries: Parameters<TestHead["admitEntries"]>[0]) =>
        this.#step("admit", () => head.admitEntries(entries)),
      awaitPayment: (intents: Parameters<TestHead["awaitPayment"]>[0]) =>
        this.#step("await payment", () => head.awaitPayment(intents)),
      erase: (id: string, isParked: boolean) => this.#step("erase", () => head.erase(id, isParked)),
      withdraw: (ids: readonly string[]) => this.#step("withdraw", () => head.withdrawIds(ids)),
      intentMissing: (id: string) => this.#step("missing", () => head.intentMissing(id)),
      ledger: (keys: LedgerKeys) => this.#step("ledger", () => head.ledger(keys)),
      outlook: (id: string, keys: LedgerKeys, grants: readonly string[]) =>
        this.#step("outlook", () => outlook(head.sql, id, keys, grants)),
      transaction: (id: string) => this.#step("transaction", () => head.whereIs(id).transaction),
      whereIs: (id: string) => this.#step("where is", () => head.whereIs(id)),
      paidIntents: (after: string, limit: number) =>
        this.#step("paid intents", () => head.paidIntents(after, limit)),
      sweepPlaces: () => this.#step("sweep places", () => sweepPlaces(head.sql)),
      noteSwept: (folder: keyof SweepPlaces, through: string | null) =>
        this.#step("note swept", () => noteSwept(head.sql, folder, through)),
    };
  }

  #bucket() {
    const { objects } = this;
    return {
      put: (key: string, bytes: Uint8Array<ArrayBuffer>, { customMetadata = {} }: R2PutOptions) =>
        this.#step(`put ${key}`, () => {
          if (objects.has(key)) return null; // every put here is create-only
          objects.set(key, { bytes, customMetadata, uploaded: new Date(this.head.now) });
          return {};
        }),
      get: (key: string) =>
        this.#step(`get ${key}`, () => {
          const object = objects.get(key);
          return object ? { arrayBuffer: async () => object.bytes.buffer } : null;
        }),
      list: (options: R2ListOptions) =>
        this.#step(`list ${options.prefix ?? ""}`, () => listed(objects, options)),
      delete: (keys: string | string[]) =>
        this.#step("delete", () => [keys].flat().forEach((key) => objects.delete(key))),
    };
  }
}

/** For the tests of one file: sets the time to the beginning of the world, and silences the log. */
export function inTheTimeOfIntents(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(new IntentsWorld().head.now);
    for (const level of ["info", "log", "warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}
