import { constants } from "node:os";
import { outputFailure, tolerateLostReaders } from "./output/lost-readers.ts";
import { EXIT } from "./output/failure.ts";
import { runCommand } from "./run-command.ts";

// Ctrl-C must fire "exit": its listeners remove an incomplete file and show the terminal's cursor again.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
tolerateLostReaders();

process.exitCode = await runCommand(process.argv.slice(2));
process.once("beforeExit", () => {
  const failure = outputFailure();
  if (failure === undefined) return;
  process.stderr.write(`vdc: the output can't be written (${failure}): it is not whole\n`);
  if (process.exitCode === EXIT.ok) process.exitCode = EXIT.failure;
});
