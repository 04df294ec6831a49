import { writeStackUrl } from "../../cli/local/stack/data-directory.ts";
import { startStack, type Stack } from "../../cli/local/stack/stack.ts";
import { inEnvironment, type Environment } from "../support/stack/command-line.ts";
import { plainEnvironment } from "../support/stack/processes.ts";
import { LocalStack } from "./local-stack.ts";

/** A local stack that this process runs. It starts in a second, because this process has loaded its modules. */
export class StackHere extends LocalStack {
  readonly #stack: Stack;

  private constructor(dataDirectory: string, stack: Stack) {
    super(dataDirectory, stack.url, stack.pinning.url);
    this.#stack = stack;
  }

  static async start(dataDirectory: string, vars: Environment = {}): Promise<StackHere> {
    const stack = await inEnvironment(plainEnvironment(), () => startStack({ dataDirectory, port: 0, vars }));
    writeStackUrl(dataDirectory, stack.url);
    return new StackHere(dataDirectory, stack);
  }

  stop(): Promise<void> {
    return this.#stack.stop();
  }
}
