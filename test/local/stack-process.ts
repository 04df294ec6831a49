import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Environment } from "../support/stack/command-line.ts";
import { isAlive, kill } from "../support/stack/processes.ts";
import { LocalStack } from "./local-stack.ts";
import { run, STACK, type Ended, type Program } from "./program.ts";

/** `npm start` on a data directory: the wrapper, the program, and the workerd that the program runs. */
export class StackProcess extends LocalStack {
  readonly wrapper: number;
  readonly program: number;
  readonly runtimes: readonly number[];
  readonly ended: Promise<Ended>;

  private constructor(dataDirectory: string, url: string, pinningUrl: string, { child, ended }: Program) {
    super(dataDirectory, url, pinningUrl);
    this.wrapper = child.pid as number;
    const owner: { pid: number; runtimes: number[] } = JSON.parse(
      readFileSync(join(dataDirectory, "stack.lock"), "utf8"),
    );
    this.program = owner.pid;
    this.runtimes = owner.runtimes;
    this.ended = ended;
  }

  /** Resolves when `npm start` reports that it is ready. @throws Error with its output when it ends before */
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

  /** Kills every process, whatever state the stack is in. Call it at the end of a test. */
  async end(): Promise<void> {
    for (const pid of this.processes) kill(pid, "SIGKILL");
    await this.ended;
  }
}
