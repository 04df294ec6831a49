import { join } from "node:path";
import { startStack } from "./stack.ts";
import { ROOT } from "./workers.ts";

const dataDirectory = process.env.VDC_DATA_DIR ?? join(ROOT, ".vdc");
const port = Number(process.env.PORT ?? "8787");
const stack = await startStack({
  dataDirectory,
  port,
  cron: true,
  onLog: ({ message }) => process.stdout.write(`${message}\n`),
  say: (line) => process.stderr.write(`${line}\n`),
});
console.log(`VDC ready on ${stack.url}`);
const stop = async () => {
  await stack.stop();
  process.exit(0);
};
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
