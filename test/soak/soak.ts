import { spawn } from "node:child_process";
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { wholeNumber } from "../../cli/commands/options.ts";
import { Client } from "../../cli/http/client.ts";
import { readSecrets } from "../../cli/local/stack/data-directory.ts";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { deliver } from "../../cli/local/stripe/deliver.ts";
import {
  asyncPaymentSucceeded,
  syntheticCheckout,
  syntheticRefund,
} from "../../cli/local/stripe/synthetic.ts";
import { startProgress } from "../../cli/output/progress.ts";
import { facts } from "../../cli/output/table.ts";
import type { UnsignedSubmission } from "../../shared/chain/submission.ts";
import { sealDocument } from "../../shared/client/documents.ts";
import { VdcProblem } from "../../shared/client/problem.ts";
import { creation, registration } from "../../shared/client/unsigned.ts";
import { generateUserKeys, importUserKeys, type UserKeys } from "../../shared/client/user-keys.ts";
import { sealMetadata } from "../../shared/client/user-metadata.ts";
import { VdcClient } from "../../shared/client/vdc-client.ts";
import { Random } from "../simulation/world/random.ts";
import { asJson, txIdOf, userTxId } from "../support/chain/independent-verifier.ts";
import { HANG_AFTER_MS } from "../support/stack/patience.ts";
import { freePort, kill, plainEnvironment } from "../support/stack/processes.ts";
import { checkStored, Journal } from "./check.ts";
import { judgeMemory, measure, memoryTable, type Sample } from "./memory.ts";

// `npm run soak`: clients send thousands of payments and signed records to the local stack, which is stopped and killed
// meanwhile. A client repeats a request until it is answered. Then every promise is checked against all that is stored.

const CHAIN_ID = "vdc-main";
/** Small blocks, so that several are in flight whenever the stack ends. */
const VARIABLES = { MINE_AT_COUNT: "50", MINE_AFTER_SECONDS: "5", STALL_AFTER_SECONDS: "5" };
const LOOK_EVERY_MS = 400;
const SAMPLE_EVERY_MS = 3_000;
const ATTEMPT_MS = 30_000;
/** Number of orders of each kind, of a hundred. */
const KINDS = { plain: 45, asset: 25, rival: 4, free: 4, delayed: 7, refund: 6, forged: 2, user: 2, deed: 5 };
const KIND_OF_ORDER = Object.entries(KINDS).flatMap(([kind, weight]) => Array<string>(weight).fill(kind));

export interface Options {
  /** Orders in all, unless `minutes` ends the load. */
  readonly payments: number;
  readonly minutes?: number;
  readonly restarts: number;
  readonly seed: number;
  /** Orders that are under way at one time. */
  readonly lanes: number;
  readonly memory: boolean;
  /** An empty directory. The caller removes it. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onOrder?: (done: number) => void;
}

/** A request that may be repeated: the same bytes have the same answer. */
interface Post {
  /** The transaction that it must become, computed from docs/format.md; null if it must become none. */
  readonly txId: string | null;
  /** @returns the answered id; null if VDC ignores or refuses the request */
  readonly send: () => Promise<string | null>;
}

class WrongAnswer extends Error {}

// docs/format.md, "Transaction id"
const stripeTxId = (object: string) => txIdOf({ source: "stripe", livemode: false, account: null, object });
const repeated = (post: Post, times: number) => Array.from({ length: times }, () => post);

/** `npm start` in a process group of its own: the wrapper, the program, and the workerd that the program runs. */
class StackProcess {
  readonly #group: number;
  readonly ended: Promise<number | null>;
  /** The run has asked it to end. */
  isEnding = false;

  constructor(directory: string, environment: Readonly<Record<string, string>>) {
    const log = openSync(join(directory, "stack.log"), "a");
    const child = spawn(process.execPath, [join(ROOT, "cli", "with-setup.mjs"), "cli/local/start.ts"], {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...plainEnvironment(), ...VARIABLES, ...environment, VDC_DATA_DIR: directory },
    });
    closeSync(log);
    this.#group = child.pid as number;
    this.ended = new Promise((resolve, reject) => child.on("error", reject).on("exit", resolve));
  }

  /** @param how SIGINT and SIGTERM go to npm's wrapper, SIGKILL to every process @returns the exit code */
  end(how: "SIGINT" | "SIGTERM" | "SIGKILL"): Promise<number | null> {
    this.isEnding = true;
    kill(how === "SIGKILL" ? -this.#group : this.#group, how);
    return this.ended;
  }
}

/** The load: lanes of clients, and restarts of the stack meanwhile. */
class Load {
  readonly journal = new Journal(CHAIN_ID);
  readonly samples: Sample[] = [];
  readonly restarts = { killed: 0, "killed while starting": 0, stopped: 0, "killed while mining": 0 };
  readonly #options: Options;
  readonly #random: Random;
  readonly #url: string;
  readonly #inspectorPort: number;
  readonly #client: VdcClient;
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #begun = Date.now();
  readonly #past: Post[] = [];
  #secrets = { ADMIN_SECRET: "", STRIPE_WEBHOOK_SECRET: "" };
  #stack: StackProcess | undefined;
  #starts = 0;
  #kills = 0;
  #orders = 0;
  #ordersDone = 0;
  #underWay = 0;
  /** New requests wait for it before the stack ends in peace. */
  #gate = Promise.resolve();

  constructor(options: Options, port: number, inspectorPort: number) {
    this.#options = options;
    this.#random = new Random(`soak ${options.seed}`);
    this.#url = `http://127.0.0.1:${port}`;
    this.#inspectorPort = inspectorPort;
    this.#client = new VdcClient(this.#url);
    this.#signal = AbortSignal.any([options.signal, this.#over.signal]);
  }

  /** Sends everything, waits until no work is left, and stops the stack. @returns seconds */
  async run(): Promise<number> {
    let sampling: Promise<void> | undefined;
    try {
      await this.#start();
      if (this.#options.memory) sampling = this.#sample();
      await this.#user(); // a deed needs a user
      const lanes = Array.from({ length: this.#options.lanes }, () => this.#lane());
      await Promise.all([this.#restartAll(), ...lanes]);
      await this.#until("all work is done", async () => {
        const admin = new Client(this.#url, { "x-admin-secret": this.#secrets.ADMIN_SECRET });
        const status = await admin.call("GET /api/vdc/status");
        const { counts, inFlight, latest, failures, halted } = status;
        if (halted !== null) throw new WrongAnswer(`the chain is halted: ${JSON.stringify(halted)}`);
        const left = counts.pending + counts.waiting + inFlight.length;
        return left === 0 && latest === counts.blocks - 1 && failures.every(({ parked }) => parked);
      });
      await this.#stop("SIGTERM");
      return Math.round((Date.now() - this.#begun) / 1_000);
    } catch (error) {
      throw this.#signal.aborted ? this.#signal.reason : error;
    } finally {
      this.#over.abort(new Error("the load is over"));
      await sampling;
      await this.#stack?.end("SIGKILL");
    }
  }

  /** The first violation ends the load, because the check tells the rest. */
  #share(orders: number): number {
    const { minutes, payments } = this.#options;
    if (this.journal.violations.length > 0) return 1;
    return minutes === undefined ? orders / payments : (Date.now() - this.#begun) / 60_000 / minutes;
  }

  async #lane(): Promise<void> {
    for (;;) {
      await this.#gate;
      if (this.#share(this.#orders) >= 1) return;
      await this.#order(this.#orders++);
      this.#ordersDone++;
      this.#options.onOrder?.(this.#ordersDone);
    }
  }

  #order(number: number): Promise<void> {
    const random = this.#random;
    const kind = random.pick(KIND_OF_ORDER);
    if (kind === "user") return this.#user();
    if (kind === "deed") return this.#deed(random.pick([...this.journal.metadata.keys()]));
    const waves = this.#purchase(kind, number);
    if (random.chance(0.12) && this.#past.length > 0) waves.push([random.pick(this.#past)]);
    this.#past.push(...waves.flat().slice(0, 1));
    return this.#inWaves(waves);
  }

  /** Stripe's events about one purchase. Stripe repeats them, and promises no order. */
  #purchase(kind: string, number: number): Post[][] {
    const random = this.#random;
    const claimed = { asset: `deed-${number}`, rival: `rivals-${Math.floor(number / 50)}` }[kind];
    const facts = {
      seed: `soak-${this.#options.seed}/${number}`,
      created: Math.floor(this.#begun / 1_000) - 30 * 86_400 + number,
      ...(claimed !== undefined && { assetId: claimed }),
    };
    const bought = syntheticCheckout({
      ...facts,
      ...(kind === "free" && { paymentStatus: "no_payment_required" }),
    });
    if (kind === "forged") return [[{ txId: null, send: () => this.#deliver(bought, "forged") }]];
    const { object } = bought.data;
    const txId = stripeTxId((object.payment_intent ?? object.id) as string);
    const type = claimed === undefined ? "payment" : "asset_creation";
    this.journal.transactions.set(txId, { type, assetId: claimed });
    const paid: Post = { txId, send: () => this.#deliver(bought) };
    const late: Post = { txId, send: () => this.#deliver(asyncPaymentSucceeded(bought)) };
    if (kind === "delayed") {
      const unpaid = syntheticCheckout({ ...facts, paymentStatus: "unpaid" });
      const ignored: Post = { txId: null, send: () => this.#deliver(unpaid) };
      return random.pick([[[ignored], [late, late]], [[late], [ignored]], [[ignored, ignored, late]]]);
    }
    const waves = [repeated(paid, random.chance(0.15) ? random.between(2, 5) : 1)];
    if (random.chance(0.06)) waves.splice(random.between(0, 1), 0, [late]);
    if (kind === "refund") {
      const told = syntheticRefund(bought);
      const { id, amount_refunded: refunded } = told.data.object as { id: string; amount_refunded: number };
      const refundId = stripeTxId(`${id}:refunded:${refunded}:${told.created}`);
      this.journal.transactions.set(refundId, { type: "refund" });
      waves.push(repeated({ txId: refundId, send: () => this.#deliver(told) }, random.between(1, 2)));
    }
    return waves;
  }

  async #deliver(event: ReturnType<typeof syntheticCheckout>, forged?: "forged"): Promise<string | null> {
    const secret = forged === undefined ? this.#secrets.STRIPE_WEBHOOK_SECRET : "whsec_forged";
    const { status, body } = await deliver(this.#url, secret, event, AbortSignal.timeout(ATTEMPT_MS));
    const answer = `the webhook answered ${status} ${JSON.stringify(body)}`;
    if (status >= 500) throw new Error(answer);
    if (status !== (forged === undefined ? 200 : 400)) throw new WrongAnswer(answer);
    return body.txId ?? null;
  }

  /** A new user registers, and then replaces metadata. */
  async #user(): Promise<void> {
    const user = await importUserKeys(generateUserKeys());
    const txId = await this.#submit(user, registration(user));
    const isMined = async () => (await this.#client.transaction(txId)).state === "mined";
    await this.#until(`${txId} is mined`, isMined);
    for (const version of [1, 2]) {
      const record = await sealMetadata(CHAIN_ID, user, version, { version });
      const put = async () => (await this.#client.putUserMetadata(record)) !== undefined;
      await this.#until(`metadata of ${user.userId} is stored`, put);
    }
    this.journal.metadata.set(user, JSON.stringify({ version: 2 }));
  }

  /** A user stores a document, and creates an asset that commits to it. */
  async #deed(owner: UserKeys): Promise<void> {
    const contents = crypto.getRandomValues(new Uint8Array(2_000));
    const sealed = await sealDocument(CHAIN_ID, contents, owner);
    const { documents } = this.journal;
    const assetId = `signed-${documents.set(sealed.id, { owner, contents }).size}`;
    let documentCid = "";
    await this.#until(`document ${sealed.id} is stored`, async () => {
      ({ documentCid } = await this.#client.putDocument(sealed));
      return true;
    });
    await this.#submit(owner, creation({ assetId, documentCid }));
  }

  async #submit(user: UserKeys, unsigned: UnsignedSubmission): Promise<string> {
    const { type, timestamp, data } = unsigned;
    const submission = await this.#client.sign(user, unsigned);
    const txId = userTxId(CHAIN_ID, user.userId, { type, timestamp, data: asJson(data) as never });
    this.journal.transactions.set(txId, { type, assetId: "assetId" in data ? data.assetId : undefined });
    const post: Post = { txId, send: async () => (await this.#client.submit(submission)).txId };
    await this.#inWaves([[post, post]]);
    return txId;
  }

  /** Sends a wave at once, when the chain head knows the wave before. */
  async #inWaves(waves: readonly (readonly Post[])[]): Promise<void> {
    for (const wave of waves) await Promise.all(wave.map((post) => this.#place(post)));
  }

  /**
   * Sends a request and waits until the chain head knows its transaction. Sends it again after a kill, because local queues
   * live in memory, unlike production's.
   */
  async #place({ txId, send }: Post): Promise<void> {
    const { journal } = this;
    const post = async () => {
      const answered = await send();
      if (answered !== txId) throw new WrongAnswer(`${txId} was answered as ${answered}`);
      journal.counts[txId === null ? "ignored or refused" : "requests"]++;
      return true;
    };
    await this.#gate;
    let sentAt = this.#kills;
    this.#underWay++;
    let attempts = 0;
    await this.#until(`transaction ${txId} is answered`, () => (attempts++, post()));
    journal.counts.retries += attempts - 1;
    this.#underWay--;
    if (txId === null || journal.violations.length > 0) return;
    const line = JSON.stringify({ txId, ...journal.transactions.get(txId), at: Date.now() });
    appendFileSync(join(this.#options.directory, "journal.ndjson"), `${line}\n`);
    journal.unseen.add(txId);
    await this.#until(`the chain head knows ${txId}`, async () => {
      const kills = this.#kills;
      if (sentAt < kills) {
        await post();
        journal.counts["sent again after a kill"]++;
        sentAt = kills;
      }
      return (await this.#client.transaction(txId)).txId === txId;
    });
    journal.unseen.delete(txId);
  }

  /** Asks until the answer is yes. A refusal or a hang is a violation; a failure that may pass is not. */
  async #until(what: string, ask: () => Promise<boolean>): Promise<void> {
    let why = "no";
    const deadline = Date.now() + HANG_AFTER_MS;
    for (; Date.now() < deadline; await this.#breathe(LOOK_EVERY_MS))
      try {
        if (await ask()) return;
      } catch (error) {
        why = String(error);
        const isLate = why.includes("The body arrived") || why.includes("The body did not arrive"); // a slow machine
        const isAnswer =
          error instanceof VdcProblem && error.status < 500 && ![404, 429].includes(error.status);
        if (error instanceof WrongAnswer || (isAnswer && !isLate)) break;
      }
    this.journal.violations.push(`it is not true that ${what}: ${why}`);
  }

  /** Ends and starts the stack again in each way in turn, at random moments that are spread over the load. */
  async #restartAll(): Promise<void> {
    const random = this.#random.of("restarts");
    for (let i = 0; i < this.#options.restarts; i++) {
      const due = (i + 0.5 + random.fraction()) / (this.#options.restarts + 1);
      while (this.#share(this.#ordersDone) < due) await this.#breathe(20);
      if (this.journal.violations.length > 0) return;
      await this.#restart((["killed", "stopped", "killed while mining"] as const)[i % 3] ?? "killed", random);
    }
  }

  /**
   * Kills the stack at any moment, which takes messages from local queues, or ends it when no request is under way. Nothing
   * is sent again in the second case, so nothing may be lost: a stop keeps everything that was answered, and a kill while
   * mining comes when the chain head knows everything.
   */
  async #restart(how: "killed" | "stopped" | "killed while mining", random: Random): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (how !== "killed") this.#gate = promise;
    const { unseen } = this.journal;
    const isBusy = () => {
      if (how === "killed") return false;
      return this.#underWay > 0 || (how === "killed while mining" && unseen.size > 0);
    };
    while (isBusy()) await this.#breathe(20);
    await this.#breathe(random.between(0, 400));
    if (how === "stopped") await this.#stop(random.pick(["SIGINT", "SIGTERM"]));
    else await this.#kill(how);
    if (how === "killed" && random.chance(0.5)) {
      this.#launch();
      await this.#breathe(random.between(0, 4_000));
      await this.#kill("killed while starting");
    }
    const lost = how === "killed" ? [...unseen] : [];
    await this.#start();
    resolve();
    while (lost.some((txId) => unseen.has(txId))) await this.#breathe(20);
  }

  async #kill(how: "killed" | "killed while starting" | "killed while mining"): Promise<void> {
    await this.#stack?.end("SIGKILL");
    this.#kills++;
    this.restarts[how]++;
  }

  async #stop(signal: "SIGINT" | "SIGTERM"): Promise<void> {
    const code = await this.#stack?.end(signal);
    if (code !== 0) this.journal.violations.push(`the stack ended with ${code} on ${signal}`);
    this.restarts.stopped++;
  }

  async #start(): Promise<void> {
    this.#launch();
    const health = () => new Client(this.#url).call("GET /api/health");
    await this.#until("the stack is healthy", async () => (await health()) !== undefined);
    this.#secrets = readSecrets(this.#options.directory);
  }

  #launch(): void {
    this.#starts++;
    const environment = { PORT: new URL(this.#url).port, INSPECTOR_PORT: String(this.#inspectorPort) };
    const stack = new StackProcess(this.#options.directory, environment);
    this.#stack = stack;
    const end = (code: number | null) =>
      stack.isEnding || this.#over.abort(new Error(`npm start ended: ${code}`));
    void stack.ended.then(end);
  }

  /** Notes until the load is over what each Worker and process holds. */
  async #sample(): Promise<void> {
    while (!this.#signal.aborted) {
      const [stack, life] = [this.#stack, this.#starts];
      const { requests } = this.journal.counts;
      const held = await measure(this.#options.directory, this.#inspectorPort);
      if (stack?.isEnding === false)
        this.samples.push(...held.map(([what, bytes]) => ({ what, life, requests, bytes })));
      await wait(SAMPLE_EVERY_MS, undefined, { signal: this.#signal }).catch(() => {}); // the load is over
    }
  }

  #breathe(milliseconds: number): Promise<void> {
    return wait(milliseconds, undefined, { signal: this.#signal });
  }
}

/** Runs the soak from an empty directory to the outcome. @throws Error when the stack ends by itself */
export async function soak(options: Options) {
  const load = new Load(options, await freePort(), await freePort());
  const seconds = await load.run();
  const { journal, restarts } = load;
  const { violations, ...counts } = await checkStored(options.directory, VARIABLES, journal);
  const memory = judgeMemory(load.samples);
  const grown = memory.flatMap(({ what, verdict }) => (verdict === "GROWS" ? `${what} holds ever more` : []));
  return {
    violations: [...journal.violations, ...violations, ...grown],
    counts: {
      transactions: journal.transactions.size,
      ...counts,
      documents: journal.documents.size,
      users: journal.metadata.size,
      ...journal.counts,
      ...restarts,
      seconds,
    },
    memory,
  };
}

function asText({ violations, counts, memory }: Awaited<ReturnType<typeof soak>>): string {
  const shown = violations.slice(0, 50).map((line) => `  ${line}`);
  return [
    facts(Object.entries(counts)),
    memoryTable(memory),
    `${violations.length} violations`,
    ...shown,
  ].join("\n");
}

type Given = Omit<Options, "restarts" | "directory" | "signal"> & { restarts?: number; keep?: boolean };

async function main(given: Given): Promise<number> {
  const { payments, minutes, seed } = given;
  const restarts =
    given.restarts ?? Math.max(1, Math.round(minutes === undefined ? payments / 2_500 : minutes / 2));
  const directory = mkdtempSync(join(tmpdir(), "vdc-soak-"));
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const)
    process.on(signal, () => interrupted.abort(new Error("interrupted")));
  console.error(`${restarts} restarts, seed ${seed}, in ${directory}`);
  const progress = startProgress({ doing: "soaking", total: payments, of: "orders" });
  let code = 1;
  try {
    const onOrder = (done: number) => progress.to(done);
    const outcome = await soak({ ...given, restarts, directory, signal: interrupted.signal, onOrder });
    console.log(asText(outcome));
    code = outcome.violations.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(`The soak with seed ${seed} broke off:`, error);
    if (interrupted.signal.aborted) code = 130;
  }
  progress.end();
  if (code === 1 || given.keep) console.error(`What was stored, journal.ndjson and stack.log: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
  return code;
}

if (import.meta.main) {
  const program = new Command("soak")
    .description("payments, repeats and restarts against the local stack; then every promise is checked")
    .option("--payments <n>", "how many orders", wholeNumber(1, 10_000_000), 20_000)
    .option("--minutes <n>", "for how long, instead of how many", wholeNumber(1, 100_000))
    .option("--restarts <n>", "how often the stack ends (default: once in 2,500 orders)", wholeNumber(0))
    .option("--seed <n>", "decides orders and restarts, not timing", wholeNumber(0), Date.now() % 1e6)
    .option("--lanes <n>", "orders that are under way at one time", wholeNumber(1, 1_000), 48)
    .option("--no-memory", "do not measure memory")
    .option("--keep", "keep what was stored")
    .showHelpAfterError("(--help shows how)");
  program.parse();
  process.exit(await main(program.opts<Given>()));
}
