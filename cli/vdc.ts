import { constants } from "node:os";
import { EXIT } from "./failure.ts";
import { runCommand } from "./run-command.ts";

// What has to be cleared away on Ctrl-C (a half-written file, the terminal's cursor) hangs on "exit".
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
// `vdc … | head` has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runCommand(process.argv.slice(2));
