import { constants } from "node:os";
import { CommanderError } from "commander";
import { CommandFailure, EXIT } from "./failure.ts";
import { vdcProgram } from "./program.ts";

// What has to be cleared away on Ctrl-C (a half-written file, the terminal's cursor) hangs on "exit".
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
// `vdc … | head` has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

try {
  await vdcProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage; // its message is written already
  } else if (error instanceof CommandFailure) {
    process.stderr.write(`vdc: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}
