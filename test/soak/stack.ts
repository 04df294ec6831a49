import { spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { readSecrets } from "../../cli/local/stack/data-directory.ts";
import { ROOT } from "../../cli/local/stack/workers.ts";
import { isAlive, kill, plainEnvironment } from "../support/processes.ts";
import type { Target } from "./outside.ts";
import { HANG_AFTER_MS } from "../support/patience.ts";

export interface StackSettings {
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly port: number;
  readonly inspectorPort: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** The processes that `kill -9` hits. */
export const VICTIMS = ["program", "group", "wrapper", "program and workerd"] as const;
export type Victim = (typeof VICTIMS)[number];

/** `npm start` as processes of its own: the wrapper, the program, and the workerd that the program runs. */
export class SoakStack {
  readonly #settings: StackSettings;
  readonly #wrapper: number;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  #code: number | null | undefined;
  #owner: { pid: number; runtimes: number[] } = { pid: 0, runtimes: [] };

  private constructor(settings: StackSettings) {
    this.#settings = settings;
    const child = spawn(process.execPath, [join(ROOT, "cli", "with-setup.mjs"), "cli/local/start.ts"], {
      cwd: ROOT,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...plainEnvironment(),
        VDC_DATA_DIR: settings.dataDirectory,
        PORT: String(settings.port),
        ...(settings.inspectorPort !== undefined && { INSPECTOR_PORT: String(settings.inspectorPort) }),
        ...settings.variables,
      },
    });
    const log = createWriteStream(settings.logFile, { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#wrapper = child.pid as number;
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        log.end();
        this.#code = code;
        resolve(code);
      });
    });
  }

  /** Launches a stack, and does not wait: `untilReady` does. */
  static launch(settings: StackSettings): SoakStack {
    return new SoakStack(settings);
  }

  /** @throws Error when the stack ends before it is ready, or takes too long */
  async untilReady(signal: AbortSignal): Promise<void> {
    for (const deadline = Date.now() + HANG_AFTER_MS; ; await wait(50, undefined, { signal })) {
      if (this.#code !== undefined) throw new Error(`the stack ended with ${this.#code} when it was started`);
      this.#look();
      if (await isHealthy(this.#url)) return;
      if (Date.now() > deadline) throw new Error(`the stack was not ready in ${HANG_AFTER_MS / 1_000} s`);
    }
  }

  get target(): Target {
    const { STRIPE_WEBHOOK_SECRET, ADMIN_SECRET } = readSecrets(this.#settings.dataDirectory);
    return { url: this.#url, stripeSecret: STRIPE_WEBHOOK_SECRET, adminSecret: ADMIN_SECRET };
  }

  /** Returns the process ids by kind. */
  get processes(): { readonly program: number; readonly workerd: readonly number[] } {
    this.#look();
    return { program: this.#owner.pid, workerd: this.#owner.runtimes };
  }

  get running(): boolean {
    return this.#code === undefined;
  }

  kill(victim: Victim): void {
    const { program, workerd } = this.processes;
    const victims: Record<Victim, readonly number[]> = {
      program: [program],
      group: [-this.#wrapper],
      wrapper: [this.#wrapper],
      "program and workerd": [...workerd, program],
    };
    for (const pid of victims[victim]) if (pid !== 0) kill(pid, "SIGKILL");
  }

  /** Ends the stack as `kill` of npm, or Ctrl-C on npm alone, does. @returns the exit code */
  async stop(signal: "SIGTERM" | "SIGINT"): Promise<number | null> {
    kill(this.#wrapper, signal);
    return this.ended;
  }

  /** Waits until every process has ended. A process that is left would hold the port and write to the same files. */
  async untilGone(): Promise<void> {
    for (const deadline = Date.now() + HANG_AFTER_MS; this.#alive().length > 0; await wait(20))
      if (Date.now() > deadline) throw new Error(`still running: processes ${this.#alive().join(", ")}`);
    await this.ended;
  }

  /** Kills every process, whatever state the stack is in. */
  async end(): Promise<void> {
    this.#look();
    for (const pid of this.#alive()) kill(pid, "SIGKILL");
    await this.ended;
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#settings.port}`;
  }

  #alive(): readonly number[] {
    return [this.#wrapper, this.#owner.pid, ...this.#owner.runtimes].filter(
      (pid) => pid !== 0 && isAlive(pid),
    );
  }

  /** Reads the process ids from the lock. While the stack starts or ends, the lock is missing or another stack's. */
  #look(): void {
    try {
      const file = join(this.#settings.dataDirectory, "stack.lock");
      const owner = JSON.parse(readFileSync(file, "utf8")) as { pid: number; runtimes: number[] };
      if (this.running) this.#owner = owner;
    } catch (error) {
      if (!(error instanceof SyntaxError) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    return false; // the stack does not listen yet
  }
}
