import { inspect } from "node:util";
import { CommanderError } from "commander";
import { CommandFailure, EXIT, type ExitCode } from "./output/failure.ts";
import { isOfTheSystem, whyNot } from "./files/why-not.ts";
import { vdcProgram } from "./program.ts";
import { useProxies } from "./http/proxy.ts";

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
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // Commander has printed the reason
    const failure = error instanceof CommandFailure ? error : unforeseen(error);
    process.stderr.write(`vdc: ${failure.message}\n`);
    return failure.exitCode;
  } finally {
    restore?.();
  }
}

/** Wraps an unexpected error of a library or of Node, whose text is for programmers and is printed on request only. */
function unforeseen(error: unknown): CommandFailure {
  if (process.env.VDC_TRACE) process.stderr.write(`${inspect(error)}\n`);
  if (isOfTheSystem(error))
    return new CommandFailure(
      `${error.path ?? "a file"} can't be used, for ${whyNot(error)}: choose another place`,
    );
  return new CommandFailure(
    "this is a fault in vdc itself. What was asked for is not done. Report it with what the same command prints with VDC_TRACE=1",
  );
}

/**
 * Finds the command's name: `storage` of `storage verify 7`, and of `help storage`. No option before a command has a
 * value of its own.
 */
function commandIn(args: readonly string[]): string {
  const [first = "", second = ""] = args.filter((arg) => !arg.startsWith("-"));
  return first === "help" ? second : first;
}
