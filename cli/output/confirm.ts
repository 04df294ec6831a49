import { createInterface } from "node:readline";
import { CommandFailure, EXIT } from "./failure.ts";

/**
 * Returns when the user answers yes, or has given --yes.
 * @param what will happen: a sentence without its full stop
 * @throws CommandFailure when the answer is not yes, or when there is no terminal
 */
export async function confirm(what: string, options: { readonly yes?: boolean }): Promise<void> {
  if (options.yes === true) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new CommandFailure(`${what}. There is no terminal to ask at: add --yes if you mean it`, EXIT.usage);
  const answer = await ask(`${what}. Go on? [y/N] `);
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw new CommandFailure("not confirmed, so nothing was done");
}

/** Asks a question. The end of the input counts as an empty answer. */
function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    terminal.once("SIGINT", () => process.exit(130));
    terminal.once("close", () => resolve(""));
    terminal.question(question, (answer) => {
      resolve(answer);
      terminal.close();
    });
  });
}
