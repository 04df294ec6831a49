import type { ActionOutcome, AuditedAction } from "../../../shared/objects/audit-log.ts";
import { fromUtf8 } from "../../../shared/crypto/bytes.ts";
import type { Replay, ReplayPlan, Selection } from "../../../shared/api/dead-letters.ts";
import type { PermanentReason } from "../../../shared/runtime/errors.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { deadLetterQueueName, type StageName } from "../../../shared/pipeline.ts";
import { runDueTasks, nextDue } from "../../../workers/dead-letters/alarm.ts";
import { dismissSelected, planDismissal } from "../../../workers/dead-letters/entries/dismissals.ts";
import * as entries from "../../../workers/dead-letters/entries/entries.ts";
import { note } from "../../../workers/dead-letters/entries/note.ts";
import type { Env } from "../../../workers/dead-letters/env.ts";
import type { Filter } from "../../../workers/dead-letters/entries/filter.ts";
import { park } from "../../../workers/dead-letters/entries/park.ts";
import { planReplay } from "../../../workers/dead-letters/replay/plan.ts";
import { eraseLetters } from "../../../workers/dead-letters/entries/erase.ts";
import { abortByOperator } from "../../../workers/dead-letters/replay/recovery.ts";
import { recoveries } from "../../../workers/dead-letters/replay/recovery-store.ts";
import { createReplay } from "../../../workers/dead-letters/replay/create.ts";
import { replays, replayWithItems } from "../../../workers/dead-letters/replay/list.ts";
import { migrate } from "../../../workers/dead-letters/schema.ts";
import type { Store } from "../../../workers/dead-letters/store.ts";
import { knownStates } from "../../../workers/chain-head/reads/known-states.ts";
import { readmit } from "../../../workers/chain-head/decisions/readmit.ts";
import { givenUp } from "./dead-letters.ts";
import { TestHead, txId } from "./chain-head.ts";
import { memorySql } from "../stack/sqlite.ts";

const silent: Log = { info() {}, warn() {}, error() {}, with: () => silent };

/** The index of dead letters over a bucket, queues and a chain head in memory. The test sets the time. */
export class TestIndex {
  readonly head = new TestHead().begun();
  readonly records = new Map<string, string>();
  /** Messages sent to the stages' queues, with the time of sending (milliseconds since the epoch). */
  readonly sent: { to: StageName; message: unknown; at: number }[] = [];
  /** The keys that the miner last reported that it can open. */
  openable: readonly string[] | null = null;
  /** The parts that fail: a stage's name, "r2" or "chain-head". */
  failing: readonly string[] = [];
  /** The number of transactions in each question to the chain head. */
  readonly askedAbout: number[] = [];
  readonly audited: AuditedAction[] = [];
  readonly outcomes: { sequence: number; outcome: ActionOutcome }[] = [];
  /** Runs before the audit log records an entry. */
  whileAuditing: () => Promise<void> | void = () => {};
  /** Runs while a message is being sent. */
  whileSending: () => Promise<void> | void = () => {};
  /** Runs while the chain head is being asked. */
  whileAsking: () => void = () => {};
  /** Throws after this many more decisions, as if the object had crashed there. */
  crashAfterDecisions = Infinity;
  /** Milliseconds since the epoch. */
  now = this.head.now;
  store: Store = this.#newStore();

  readonly env = {
    CHAIN_ID: "vdc-test",
    R2: this.#bucket(),
    DEAD_LETTERS: { getByName: () => ({ note: async (parked: never) => this.note(parked) }) },
    CHAIN_HEAD: {
      getByName: () => ({
        knownStates: async (txIds: string[], blocks: number[]) =>
          this.#reach("chain-head", () => {
            this.askedAbout.push(txIds.length);
            this.whileAsking();
            return knownStates(this.head.sql, txIds, blocks);
          }),
        openableKeys: async () => this.#reach("chain-head", () => this.openable),
        readmit: async (txIds: string[]) =>
          this.#reach("chain-head", () => readmit(this.head.sql, txIds, this.now)),
      }),
    },
    PENDING_WRITER_QUEUE: this.#queue("pending-writer"),
    AUDIT_LOG: {
      getByName: () => ({
        started: (action: AuditedAction) =>
          this.#reach("audit-log", async () => {
            await this.whileAuditing();
            return { sequence: this.audited.push(action) };
          }),
        finished: async (sequence: number, outcome: ActionOutcome) =>
          void this.outcomes.push({ sequence, outcome }),
      }),
    },
    MINER_QUEUE: this.#queue("miner"),
    TIER_PERSISTER_QUEUE: this.#queue("tier-persister"),
    INDEXER_QUEUE: this.#queue("indexer"),
    PENDING_CLEANER_QUEUE: this.#queue("pending-cleaner"),
    CHECKPOINTER_QUEUE: this.#queue("checkpointer"),
    STORAGE_VERIFIER_QUEUE: this.#queue("storage-verifier"),
  } as unknown as Env;

  pass(seconds: number): void {
    this.now += seconds * 1_000;
    this.head.now = this.now;
  }

  /** Parks a message that a stage gave up just now, for a reason that waits for an operator. @returns its id */
  async giveUp(stage: StageName, message: unknown, facts: object = {}): Promise<string> {
    return this.#park(
      stage,
      givenUp(stage, message, { failedAt: this.now, reason: "unknown_key", ...facts }),
    );
  }

  /** Parks a transaction that block `blockNumber` could not take. @returns its dead letter's id */
  async setAside(n: number, blockNumber = 2, reason?: PermanentReason): Promise<string> {
    const head = this.head;
    if (head.transaction(n) === null) head.admit(n);
    head.requestMining();
    head.reserve();
    head.setAside(blockNumber, n, reason);
    const failure = head.failures().find((found) => found.txId === txId(n));
    if (failure === undefined) throw new Error(`transaction ${n} was not set aside`);
    const { error, at: failedAt } = failure;
    const body = {
      v: 1,
      kind: "set_aside",
      txId: txId(n),
      blockNumber,
      reason: failure.reason,
      error,
      failedAt,
    };
    const id = await this.#park("miner", body);
    head.park();
    return id;
  }

  /** Parks a message that the platform moved to the dead-letter queue unchanged. @returns its id */
  deliver(stage: StageName, body: unknown, attempts = 1): Promise<string> {
    return this.#park(stage, body, attempts);
  }

  async #park(stage: StageName, body: unknown, attempts = 1): Promise<string> {
    const before = new Set(this.records.values());
    const message = { id: "m", timestamp: new Date(this.now), attempts, body } as Message;
    await park(message, deadLetterQueueName(stage), this.env, silent);
    const [changed] = [...this.records].filter(([, text]) => !before.has(text));
    const id = /([0-9a-f]{32})\.json$/.exec(changed?.[0] ?? "")?.[1];
    return id ?? "the same as before";
  }

  note(parked: Parameters<typeof note>[1]) {
    return this.store.decide((now) => note(this.store.sql, parked, now));
  }

  erase(n: number): Promise<string[]> {
    return eraseLetters(this.store, this.env, {
      txId: txId(n),
      by: "ann",
      reason: "a request",
      at: this.now,
    });
  }

  entry(id: string) {
    const found = entries.entry(this.store.sql, id);
    if (found === null) throw new Error(`there is no dead letter ${id}`);
    return found;
  }

  list(filter: Filter = {}, after: entries.Cursor | null = null, limit = 1_000) {
    return entries.list(this.store.sql, filter, after, limit, this.now);
  }

  counts = () => ({ ...entries.counts(this.store.sql), recovering: recoveries(this.store.sql) });

  dismissSelected(select: Selection, asOf?: number) {
    return this.store.decide((now) =>
      dismissSelected(this.store.sql, { select, reason: "a test", asOf }, "ann", now),
    );
  }

  planDismissal(select: Selection) {
    return planDismissal(this.store.sql, select, this.now);
  }

  dismiss(id: string) {
    return this.store.decide((now) =>
      entries.dismiss(this.store.sql, id, { by: "ann", reason: "a test" }, now),
    );
  }

  resolved(stage: StageName, blockNumber: number): void {
    this.store.decide(() => entries.resolved(this.store.sql, { stage, blockNumber }));
  }

  async plan(select: Selection): Promise<ReplayPlan> {
    const answer = await planReplay(this.store.sql, this.env, select, this.now);
    if ("refused" in answer) throw new Error(`refused: ${answer.refused}`);
    return answer;
  }

  ask(select: Selection, facts: { ratePerSecond?: number; reason?: string; key?: string } = {}) {
    const { ratePerSecond = 100, reason = "a test", key = null } = facts;
    const made = { id: crypto.randomUUID(), by: "ann", key };
    return this.store.decide((now) =>
      createReplay(this.store.sql, { select, reason, ratePerSecond }, made, now),
    );
  }

  /** Starts a replay, and expects success. */
  replay(select: Selection, facts: { ratePerSecond?: number; key?: string } = {}): Replay {
    const answer = this.ask(select, facts);
    if ("refused" in answer) throw new Error(`refused: ${answer.refused}`);
    return answer;
  }

  abort(id: string) {
    return this.store.decide((now) => abortByOperator(this.store.sql, id, now));
  }

  recoveries = () => recoveries(this.store.sql);
  replays = () => replays(this.store.sql);

  found(id: string): Replay {
    const replay = replayWithItems(this.store.sql, id);
    if (replay === null) throw new Error(`there is no replay ${id}`);
    return replay;
  }

  /** Runs one alarm now. */
  alarm(): Promise<number | undefined> {
    return runDueTasks(this.store, this.env, () => this.now, silent);
  }

  /** Runs every alarm that is due within this time, as the platform does. @returns the number of alarms */
  async run(seconds: number): Promise<number> {
    const end = this.now + seconds * 1_000;
    for (let alarms = 0; alarms < 2_000; alarms++) {
      const next = nextDue(this.store);
      if (next === undefined || next > end) {
        this.pass((end - this.now) / 1_000);
        return alarms;
      }
      this.pass(Math.max(0, next - this.now) / 1_000);
      await this.alarm();
    }
    throw new Error("the alarm rings without end");
  }

  /** Deletes everything that the object stored. */
  loseStorage(): void {
    this.store = this.#newStore();
  }

  #newStore(): Store {
    const sql = memorySql();
    sql.transaction(() => migrate(sql));
    return {
      sql,
      decide: (decision) => {
        if (this.crashAfterDecisions-- <= 0) throw new Error("the object crashed");
        return sql.transaction(() => decision(this.now));
      },
    };
  }

  async #reach<T>(what: string, work: () => T): Promise<T> {
    if (this.failing.includes(what)) throw new Error(`${what} is down`);
    return work();
  }

  #queue(to: StageName): object {
    return {
      send: (message: unknown) =>
        this.#reach(to, async () => {
          this.sent.push({ to, message, at: this.now });
          await this.whileSending();
        }),
    };
  }

  #bucket(): object {
    const { records } = this;
    return {
      put: (key: string, bytes: Uint8Array, { onlyIf }: { onlyIf: R2Conditional }) =>
        this.#reach("r2", () => {
          const known = records.get(key);
          if (onlyIf.etagDoesNotMatch === "*" && known !== undefined) return null;
          if (onlyIf.etagMatches !== undefined && onlyIf.etagMatches !== known) return null;
          records.set(key, fromUtf8(bytes));
          return {};
        }),
      get: (key: string) =>
        this.#reach("r2", () => {
          const text = records.get(key);
          if (text === undefined) return null;
          return { etag: text, arrayBuffer: async () => new TextEncoder().encode(text).buffer };
        }),
      list: ({ limit, cursor = "" }: { limit: number; cursor?: string }) =>
        this.#reach("r2", () => {
          const keys = [...records.keys()].toSorted().filter((key) => key > cursor);
          const page = keys.slice(0, limit);
          return {
            objects: page.map((key) => ({ key })),
            truncated: keys.length > limit,
            cursor: page.at(-1),
          };
        }),
    };
  }
}
