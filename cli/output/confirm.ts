import { createInterface } from "node:readline";
import { CommandFailure, EXIT } from "../failure.ts";

/**
 * Returns when the person at the terminal says yes, or has said --yes before.
 * @param what will happen: a sentence without its full stop
 * @throws CommandFailure when the answer is another, or when nobody can be asked
 */
export async function confirm(what: string, options: { readonly yes?: boolean }): Promise<void> {
  if (options.yes === true) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new CommandFailure(`${what}. There is no terminal to ask at: add --yes if you mean it`, EXIT.usage);
  const answer = await ask(`${what}. Go on? [y/N] `);
  if (!/^\s*y(?:es)?\s*$/i.test(answer)) throw new CommandFailure("not confirmed, so nothing was done");
}

/** The end of the input is no answer. */
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
