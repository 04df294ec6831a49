import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { readSecrets } from "../../cli/local/data-directory.ts";
import { ROOT } from "../../cli/local/workers.ts";
import { deliver } from "../../cli/stripe/deliver.ts";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { purchase, until, type Status } from "../support/payments.ts";
import { isAlive, kill, plainEnvironment } from "../support/processes.ts";

type Environment = Readonly<Record<string, string>>;

/** What a program said, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of the project, started as npm does it, in a process group of its own. */
export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
}

const STACK = "cli/local/start.ts";

export function run(program: string, args: readonly string[], environment: Environment, input = ""): Program {
  // The stack as npm starts it, with the wrapper that has to pass on signals; a command needs none of that.
  const started = program === STACK ? [join(ROOT, "cli", "with-setup.mjs"), program] : [join(ROOT, program)];
  const child = spawn(process.execPath, [...started, ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...plainEnvironment(), ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.on("error", () => {}); // it may have ended without reading
  child.stdin.end(input);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout };
}

/** `npm run vdc -- …` */
export function vdc(args: readonly string[], environment: Environment = {}, input?: string): Promise<Ended> {
  return run("cli/vdc.ts", args, environment, input).ended;
}

/** `npm start`, expected to end by itself. */
export function startInVain(environment: Environment): Promise<Ended> {
  return run(STACK, [], { PORT: "0", ...environment }).ended;
}

/** `npm start` on a data directory: the wrapper, the program, and the workerd that it runs. */
export class StackProcess {
  readonly dataDirectory: string;
  readonly url: string;
  readonly pinningUrl: string;
  readonly wrapper: number;
  readonly program: number;
  readonly runtimes: readonly number[];
  readonly ended: Promise<Ended>;

  private constructor(dataDirectory: string, url: string, pinningUrl: string, { child, ended }: Program) {
    this.dataDirectory = dataDirectory;
    this.url = url;
    this.pinningUrl = pinningUrl;
    this.wrapper = child.pid as number;
    const owner: { pid: number; runtimes: number[] } = JSON.parse(
      readFileSync(join(dataDirectory, "stack.lock"), "utf8"),
    );
    this.program = owner.pid;
    this.runtimes = owner.runtimes;
    this.ended = ended;
  }

  /** Resolves when `npm start` says that it is ready. @throws Error with its output when it ends before */
  static async start(dataDirectory: string, environment: Environment = {}): Promise<StackProcess> {
    const started = run(STACK, [], { VDC_DATA_DIR: dataDirectory, PORT: "0", ...environment });
    let early: Ended | undefined;
    void started.ended.then((ended) => (early = ended));
    for (;;) {
      const [, url] = /^VDC ready on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(started.stdout()) ?? [];
      const [, pinning] = /pinning service on (http:\S+)$/m.exec(started.stdout()) ?? [];
      if (url !== undefined && pinning !== undefined)
        return new StackProcess(dataDirectory, url, pinning, started);
      if (early !== undefined) throw new Error(`npm start ended: ${JSON.stringify(early)}`);
      await wait(20);
    }
  }

  get processes(): readonly number[] {
    return [this.wrapper, this.program, ...this.runtimes];
  }

  alive(): readonly number[] {
    return this.processes.filter(isAlive);
  }

  /** Ends everything, whatever state it is in: for the end of a test. */
  async end(): Promise<void> {
    for (const pid of this.processes) kill(pid, "SIGKILL");
    await this.ended;
  }

  /** A new payment, as Stripe delivers it. @returns the transaction's id, once the webhook answered 200 */
  async pay(): Promise<string> {
    const secret = readSecrets(this.dataDirectory).STRIPE_WEBHOOK_SECRET;
    const { status, body } = await deliver(this.url, secret, purchase());
    if (status !== 200 || body.txId === undefined) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body.txId;
  }

  /** Payments that have reached `pending/` and the chain head when it resolves. */
  async payAndAdmit(count: number): Promise<string[]> {
    const { pending } = (await this.status()).counts;
    const txIds = await Promise.all(Array.from({ length: count }, () => this.pay()));
    await until(async () => {
      const { counts } = await this.status();
      if (counts.pending < pending + count) throw new Error(JSON.stringify(counts));
    });
    return txIds;
  }

  async operate(path: string, method = "GET"): Promise<unknown> {
    const secret = readSecrets(this.dataDirectory).ADMIN_SECRET;
    const response = await fetch(`${this.url}${path}`, { method, headers: { "x-admin-secret": secret } });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async status(): Promise<Status> {
    return (await this.operate("/api/vdc/status")) as Status;
  }

  /** Waits until nothing is pending, nothing in flight, and the last block published. */
  async untilIdle(): Promise<void> {
    await until(async () => {
      const { counts, inFlight } = await this.status();
      const latest = await this.#latest();
      if (counts.pending > 0 || inFlight.length > 0 || latest !== counts.blocks - 1)
        throw new Error(`not idle: ${JSON.stringify({ counts, inFlight, latest })}`);
    }, 45);
  }

  /** Number of the block that is published as the latest. */
  async #latest(): Promise<number | undefined> {
    const response = await fetch(`${this.url}/api/vdc/latest`);
    const { blockNumber }: { blockNumber?: number } = await response.json();
    return blockNumber;
  }

  setFault(fault: object): Promise<Response> {
    return fetch(`${this.pinningUrl}/__faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fault),
    });
  }

  /** Reads the whole chain over HTTP, and verifies it as a stranger would. @throws InvalidBlock */
  async verifiedChain(): Promise<readonly Block[]> {
    const read = async <Body>(path: string) => (await (await fetch(this.url + path)).json()) as Body;
    const latest = await this.#latest();
    if (latest === undefined) throw new Error("no block is published");
    const verifier = new ChainVerifier();
    const blocks: Block[] = [];
    for (let n = 0; n <= latest; n++) {
      const {
        ipfsHash: _,
        ipfsGatewayUrl: __,
        storage: ___,
        ...block
      } = await read<Record<string, unknown>>(`/api/vdc/blocks/${n}`);
      blocks.push(await verifier.add(blockBytes(block as unknown as Block)));
    }
    return blocks;
  }
}

/** Ids of the transactions that came from outside, in the order of the chain. */
export function minedIds(blocks: readonly Block[]): readonly string[] {
  return blocks.flatMap(({ transactions }) =>
    transactions.filter(({ type }) => type !== "genesis" && type !== "key_rotation").map(({ id }) => id),
  );
}

/** What R2 holds while no stack runs. */
export async function storedObjects(dataDirectory: string, prefix: string): Promise<Map<string, Uint8Array>> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: join(dataDirectory, "platform"),
      telemetry: { enabled: false },
      modules: true,
      script: "export default { fetch: () => new Response() }",
      r2Buckets: { R2: "vdc" },
    }),
  );
  try {
    const bucket = await miniflare.getR2Bucket("R2");
    const { objects } = await bucket.list({ prefix });
    const found = new Map<string, Uint8Array>();
    for (const { key } of objects) {
      const object = await bucket.get(key);
      if (object !== null) found.set(key, new Uint8Array(await object.arrayBuffer()));
    }
    return found;
  } finally {
    await miniflare.dispose();
  }
}
