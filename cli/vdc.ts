import { constants } from "node:os";
import { EXIT } from "./failure.ts";
import { runCommand } from "./run-command.ts";

// Ctrl-C must fire "exit": its listeners remove a half-written file and show the terminal's cursor again.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
// `vdc … | head` closes the pipe when it has read enough: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await runCommand(process.argv.slice(2));
