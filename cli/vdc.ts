import { Command } from "commander";
import { keysCommand } from "./commands/keys.ts";
import { payCommand } from "./commands/pay.ts";
import { CommandFailure } from "./failure.ts";

const program = new Command("vdc")
  .description("Veritas Documents Chain: the command line")
  .addCommand(payCommand())
  .addCommand(keysCommand())
  .showHelpAfterError();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error;
  console.error(`vdc: ${error.message}`);
  process.exitCode = error.exitCode;
}
