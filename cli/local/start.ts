import { join } from "node:path";
import type { WorkerdStructuredLog } from "miniflare";
import { startStack } from "./stack.ts";
import { ROOT } from "./workers.ts";

/** `npm start`: the whole system on one machine, until Ctrl-C. */
async function start(): Promise<void> {
  const stack = await startStack({
    dataDirectory: process.env.VDC_DATA_DIR || join(ROOT, ".vdc"),
    port: portOf(process.env.PORT || "8787"),
    cron: true,
    onLog: printLog,
    say: (line) => console.error(line),
  });
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stack.stop().then(() => process.exit(0), fail);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"] as const) {
    process.removeAllListeners(signal); // miniflare's own would exit at once, before anything is closed
    process.on(signal, stop);
  }
  console.log(`VDC ready on ${stack.url}`);
  console.log(`  IPFS gateway and pinning service on ${stack.pinning.url}`);
  console.log("  pay: npm run vdc -- pay --count 3      stop: Ctrl-C");
}

/** workerd's own notes go to stderr; ours are JSON, one line an event. */
function printLog({ message }: WorkerdStructuredLog): void {
  if (message.startsWith("{")) process.stdout.write(`${message}\n`);
  else if (!message.startsWith("NOSENTRY")) process.stderr.write(`${message}\n`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`PORT must be a number up to 65535, not ${text}`);
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
