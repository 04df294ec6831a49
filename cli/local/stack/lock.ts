import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** The owner of a data directory: the process of the stack, and the workerd processes that it started. */
interface Owner {
  readonly pid: number;
  readonly runtimes: readonly number[];
}

export interface Lock {
  /** Records the runtimes, so that the next stack can end them after a `kill -9`. */
  note(runtimes: readonly number[]): void;
  release(): void;
}

const STOP_TIMEOUT_MS = 10_000; // wait for a stack that is stopping

/**
 * Allows one stack at a time on a data directory. Ends the runtimes of a killed stack first, because they would still
 * hold the port and write to the same files.
 * @throws Error when another stack is alive on this directory
 */
export async function lock(dataDirectory: string): Promise<Lock> {
  const file = join(dataDirectory, "stack.lock");
  const write = (owner: Owner, flag: "wx" | "w") => writeFileSync(file, JSON.stringify(owner), { flag });
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (;;) {
    try {
      write({ pid: process.pid, runtimes: [] }, "wx");
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = readOwner(file);
    if (owner !== undefined && isAlive(owner.pid, "node") && owner.pid !== process.pid) {
      if (Date.now() > deadline)
        throw new Error(
          `another stack (process ${owner.pid}) runs on ${dataDirectory}: stop it, or set VDC_DATA_DIR to another folder`,
        );
      await wait(100);
      continue;
    }
    await endRuntimes(owner?.runtimes ?? []);
    rmSync(file, { force: true });
  }
  let held = true;
  return {
    note: (runtimes) => void (held && write({ pid: process.pid, runtimes }, "w")),
    release: () => {
      held = false;
      rmSync(file, { force: true });
    },
  };
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch {
    return undefined; // the file was removed meanwhile, or its writer died in the middle
  }
}

async function endRuntimes(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    if (!isAlive(pid, "workerd")) continue;
    process.kill(pid, "SIGKILL");
    while (isAlive(pid, "workerd")) await wait(20);
  }
}

/**
 * Decides whether a process is alive. Another program may have the same process id, so its command line must match where
 * the system shows it.
 */
function isAlive(pid: number, program: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(program);
  } catch {
    return process.platform !== "linux"; // without /proc, only the id can decide
  }
}
