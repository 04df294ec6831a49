import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import type { WorkerName } from "../../shared/pipeline.ts";
import { startAlertReceiver, type AlertReceiver } from "../support/stack/alert-receiver.ts";
import type { Block } from "../../shared/chain/block.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { keysOf, latest } from "../support/chain/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { deliver, purchase, status } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import type { SyntheticEvent } from "../../cli/local/stripe/synthetic.ts";
import { startControl, type Control } from "./control.ts";
import { faultyBundles } from "./faulty-bundles.ts";
import { Invariants } from "./invariants.ts";
import { isRead } from "./writes.ts";
import { until } from "../support/stack/patience.ts";

const VARS = {
  MINE_AT_COUNT: "1", // each payment gets its own block
  MINE_AFTER_SECONDS: "1",
  STALL_AFTER_SECONDS: "1",
  WRITE_LANDS_WITHIN_SECONDS: "1",
  PIN_DEADLINE_SECONDS: "1",
  PAID_TYPES: "asset_creation",
  WITNESS_EVERY_SECONDS: "1",
  TIMESTAMP_EVERY_SECONDS: "1",
};
/** Milliseconds between two firings of the crons while work is left; a minute or ten in production. */
const CRON_EVERY = 3_000;
const CRON_PATIENCE = 5_000; // milliseconds

/** Thrown when an invariant is broken, which waiting can't mend. */
class Violation extends Error {
  override readonly name = "Violation";
}

/** A whole stack whose writes the control decides about, and a model of the results that its inputs must have. */
export class World {
  readonly pipeline: Pipeline;
  readonly control: Control;
  /** Accepted transactions. Each must be mined once. */
  readonly #accepted = new Set<string>();
  /** Transactions that can't be mined now. Their pending objects stay. */
  readonly #withheld = new Set<string>();

  readonly alerts: AlertReceiver;

  private constructor(pipeline: Pipeline, control: Control, alerts: AlertReceiver) {
    this.pipeline = pipeline;
    this.control = control;
    this.alerts = alerts;
  }

  static async start(): Promise<World> {
    const control = await startControl();
    const alerts = await startAlertReceiver();
    const pipeline = await startPipeline({
      vars: VARS,
      secrets: { ALERT_WEBHOOK_URL: alerts.url },
      wrap: (bundles, directory) => faultyBundles(bundles, directory, control.url),
    });
    const invariants = new Invariants(pipeline);
    control.watch((attempt) => invariants.brokenBy(attempt));
    return new World(pipeline, control, alerts);
  }

  /** Notes that a transaction was accepted. */
  accept(txId: string): string {
    this.#accepted.add(txId);
    return txId;
  }

  withhold(txId: string): void {
    this.#withheld.add(txId);
    this.#accepted.delete(txId);
  }

  /** Notes that a transaction was withdrawn: no block takes it, and nothing of it is left. */
  withdraw(txId: string): void {
    this.#withheld.delete(txId);
  }

  release(txId: string): void {
    this.#withheld.delete(txId);
    this.#accepted.add(txId);
  }

  /** Stripe delivers an event until it hears 200. @returns its transaction's id */
  async pay(event: SyntheticEvent = purchase()): Promise<string> {
    return until(async () => {
      const response = await deliver(this.pipeline, event);
      const body: { txId: string } = await response.json();
      expect(response.status).toBe(200);
      return this.accept(body.txId);
    });
  }

  /** Makes the first blocks of the chain. */
  async found(): Promise<void> {
    if (this.#accepted.size > 0) return;
    await this.pay();
    await this.settle();
  }

  /** Sends an operator's request until the answer has one of these statuses. */
  async operate<T>(method: string, path: string, body?: object, statuses = [200, 202]): Promise<T> {
    return until(async () => {
      const text = body && JSON.stringify(body);
      const response = await this.pipeline.operate(path, { method, ...(text && { body: text }) });
      const answer: unknown = await response.json();
      expect(statuses, `${method} ${path}: ${JSON.stringify(answer)}`).toContain(response.status);
      return answer as T;
    });
  }

  /** Sends a public request until the answer has one of these statuses. */
  async request<T>(send: (pipeline: Pipeline) => Promise<Response>, statuses = [200, 202]): Promise<T> {
    return until(async () => {
      const response = await send(this.pipeline);
      const answer: unknown = await response.json();
      expect(statuses, JSON.stringify(answer)).toContain(response.status);
      return answer as T;
    });
  }

  /** Checks every invariant that holds at any moment. @returns the blocks */
  async verify(): Promise<readonly Block[]> {
    this.#expectNoViolation();
    const blocks = await checkChain(this.pipeline);
    const ids = idsOf(blocks);
    expect(new Set(ids).size, "no transaction is mined twice").toBe(ids.length);
    return blocks;
  }

  #expectNoViolation(): void {
    if (this.control.violations.length > 0) throw new Violation(this.control.violations.join("; "));
  }

  /** Fires the crons until every promise is kept and nothing is left over. */
  async settle(): Promise<void> {
    let lastCron = Date.now();
    await until(
      async () => {
        if (Date.now() - lastCron > CRON_EVERY) {
          lastCron = Date.now();
          await this.#fireCrons();
        }
        await this.#expectSettled();
      },
      { unless: (error) => error instanceof Violation },
    );
  }

  async fireCron(worker: WorkerName): Promise<void> {
    const fired = this.pipeline.fireCron(worker).catch(() => {}); // a cron that fails comes again
    await Promise.race([fired, wait(CRON_PATIENCE)]); // a cron that hangs does not stop the others
  }

  /** Fires the crons. A cron that fails comes again. */
  async #fireCrons(): Promise<void> {
    await Promise.allSettled([this.fireCron("miner"), this.fireCron("accounts")]);
  }

  async #expectSettled(): Promise<void> {
    this.#expectNoViolation();
    const { pipeline } = this;
    const { inFlight, counts, halted, latest: head } = await status(pipeline);
    expect({ inFlight, halted, pending: counts.pending }).toEqual({ inFlight: [], halted: null, pending: 0 });
    expect((await latest(pipeline))?.blockNumber).toBe(head);
    expect((await pendingKeys(pipeline)).toSorted()).toEqual(
      [...this.#withheld].map(r2Keys.pending).toSorted(),
    );
    expect(await keysOf(pipeline, r2Keys.allSealedPrefix)).toEqual([]);
    expect(await pipeline.kv.get(kvKeys.pendingCount)).toBe("0");
    const blocks = await this.verify();
    expectMined(blocks, [...this.#accepted]);
    await this.#expectIndexed(blocks.slice(-INDEXED_BLOCKS));
    const key = r2Keys.logCheckpoint(r2Keys.logPrefix, blocks.length);
    expect(await pipeline.r2.head(key), key).not.toBeNull();
  }

  async #expectIndexed(blocks: readonly Block[]): Promise<void> {
    for (const { blockNumber, transactions } of blocks)
      for (const [index, { id }] of transactions.entries())
        expect(await this.pipeline.kv.get(kvKeys.transaction(id), "json")).toMatchObject({
          blockNumber,
          index,
        });
  }

  /** Returns the last events, for a person who looks into a failure. */
  trace(): string {
    const seen = this.control.seen.filter(({ name }) => !isRead(name)).slice(-120);
    const attempts = seen.map(({ invocation, name, delivery, target, happened }) =>
      [invocation, name, target, delivery !== undefined && `#${delivery}`, happened]
        .filter(Boolean)
        .join(" "),
    );
    const logs = this.pipeline.harness.getLogs().map(({ message }) => message.slice(0, 400));
    const loud = logs.filter(
      (message) => /"level":"(?:warn|error)"/.test(message) || !message.startsWith("{"),
    );
    return [...attempts, ...loud.slice(-30)].join("\n");
  }

  async close(): Promise<void> {
    await this.pipeline.close();
    await this.control.close();
    await this.alerts.close();
  }
}

const INDEXED_BLOCKS = 6; // the most blocks that a cell can have made

function idsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ transactions }) => transactions.map(({ id }) => id));
}
