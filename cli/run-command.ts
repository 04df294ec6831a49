import { CommanderError } from "commander";
import { CommandFailure, EXIT, type ExitCode } from "./failure.ts";
import { vdcProgram } from "./program.ts";
import { useProxies } from "./proxy.ts";

/**
 * Runs one command, and writes its failure to stderr.
 * @param args the command line without the program: `["tx", "vdc_tx_…"]`
 * @returns the exit code
 */
export async function runCommand(args: readonly string[]): Promise<ExitCode> {
  let restore: (() => void) | undefined;
  try {
    restore = useProxies();
    await (await vdcProgram(commandIn(args))).parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // Commander has written why
    if (!(error instanceof CommandFailure)) throw error;
    process.stderr.write(`vdc: ${error.message}\n`);
    return error.exitCode;
  } finally {
    restore?.();
  }
}

/** `storage` of `storage verify 7`, and of `help storage`. No option stands before a command with a value of its own. */
function commandIn(args: readonly string[]): string {
  const [first = "", second = ""] = args.filter((arg) => !arg.startsWith("-"));
  return first === "help" ? second : first;
}
