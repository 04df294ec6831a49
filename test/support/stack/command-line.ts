import { Readable, Writable } from "node:stream";
import { runCommand } from "../../../cli/run-command.ts";
import { plainEnvironment } from "./processes.ts";

export type Environment = Readonly<Record<string, string>>;

/** The exit code and the output of a command. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** The standard output as bytes. */
  readonly output: Uint8Array;
  readonly stderr: string;
}

let isRunning = false; // a process has one environment and one stdout, so two commands at a time would mix them

/**
 * Runs `vdc` in this process. The command sees the environment of a process of its own: `plainEnvironment()` with the
 * given variables, pipes instead of a terminal, and `input` on stdin.
 */
export async function vdc(
  args: readonly string[],
  environment: Environment = {},
  input: string | Uint8Array = "",
): Promise<Ran> {
  if (isRunning) throw new Error("a command is running in this process already: await it first");
  isRunning = true;
  const stdout = new Captured();
  const stderr = new Captured();
  const streams = { stdin: Readable.from([Buffer.from(input)]), stdout, stderr };
  const restore = Object.entries(streams).map(([name, stream]) => replaceStream(name, stream));
  try {
    const code = await inEnvironment({ ...plainEnvironment(), ...environment }, () => runCommand(args));
    return { code, stdout: stdout.text(), output: stdout.bytes(), stderr: stderr.text() };
  } finally {
    for (const undo of restore) undo();
    isRunning = false;
  }
}

class Captured extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  text(): string {
    return this.bytes().toString();
  }
}

/** Replaces this process's environment while the work runs, then puts it back. */
export async function inEnvironment<T>(environment: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  setEnvironment(environment);
  try {
    return await work();
  } finally {
    setEnvironment(before);
  }
}

function setEnvironment(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
}

/** @returns a function that puts the old stream back */
function replaceStream(name: string, stream: Readable | Writable): () => void {
  const before = Object.getOwnPropertyDescriptor(process, name) as PropertyDescriptor;
  Object.defineProperty(process, name, { ...before, get: () => stream });
  return () => void Object.defineProperty(process, name, before);
}
