import type { WorkerdStructuredLog } from "miniflare";
import { localDataDirectory, writeStackUrl } from "./stack/data-directory.ts";
import { reportRuntimes } from "./stack/runtimes.ts";
import { startStack } from "./stack/stack.ts";

/** `npm start`: runs the whole system on one machine, until Ctrl-C. */
async function start(): Promise<void> {
  const dataDirectory = localDataDirectory();
  const stack = await startStack({
    dataDirectory,
    port: portOf("PORT", process.env.PORT || "8787"),
    inspectorPort: process.env.INSPECTOR_PORT
      ? portOf("INSPECTOR_PORT", process.env.INSPECTOR_PORT)
      : undefined,
    cron: true,
    onLog: printLog,
    say: (line) => console.error(line),
    onRuntimes: reportRuntimes,
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stack.stop().then(() => process.exit(0), fail);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const) {
    process.removeAllListeners(signal); // miniflare's own listener would exit at once, before anything is closed
    process.on(signal, stop);
  }
  writeStackUrl(dataDirectory, stack.url);
  console.log(`VDC ready on ${stack.url}`);
  console.log(`  IPFS gateway and pinning service on ${stack.pinning.url}`);
  console.log(
    `  time-stamp authority on ${stack.timestamps.url}; its certificate is ${stack.timestamps.issuersFile}`,
  );
  console.log(`  a witness of the chain's logs on ${stack.witness.url}`);
  if ((process.env.REGISTRATION ?? "open") === "open")
    console.log(
      "  registration is open: anybody may register. A deployment asks for a token (REGISTRATION=token)",
    );
  console.log("  pay: npm run vdc -- pay --count 3      stop: Ctrl-C");
}

/**
 * Prints the Workers' log. workerd's own notes go to stderr; VDC's lines are JSON, one line an event. A terminal does not
 * show the line of every request; a file or a pipe receives all lines.
 */
function printLog({ message }: WorkerdStructuredLog): void {
  if (message.startsWith("NOSENTRY")) return;
  if (!message.startsWith("{")) process.stderr.write(`${message}\n`);
  else if (!process.stdout.isTTY || !message.includes('"event":"request"'))
    process.stdout.write(`${message}\n`);
}

function portOf(name: "PORT" | "INSPECTOR_PORT", text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new Error(`${name} must be a number up to 65535, not ${text}`);
  return port;
}

function fail(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  const port = process.env.PORT || "8787";
  console.error(
    code === "ERR_ADDRESS_IN_USE" || code === "EADDRINUSE"
      ? `vdc: port ${port} is taken. Stop what runs there, or choose another: PORT=8788 npm start`
      : `vdc: ${message}`,
  );
  process.exit(1);
}

await start().catch(fail);
