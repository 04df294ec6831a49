import { existsSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";

const SETTINGS =
  /^(?:VDC_|PORT$|NODE_OPTIONS$|ADMIN_|STRIPE_|SYSTEM_|PINATA_|IPFS_|CHAIN_|MIN|BLOCK_|MAX_|STALL_|INSPECTOR_|npm_package_json$|INIT_CWD$|(?:HTTPS?|NO|ALL)_PROXY$|(?:https?|no|all)_proxy$)/;

/** Returns the environment without settings of a stack or a command. The marker of the test run stays. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name === "VDC_TEST_RUN" || !SETTINGS.test(name)),
  );
}

/** Decides whether the process runs. A process that has ended and that its parent has not collected does not run. */
export function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return false;
  try {
    const text = readFileSync(stat, "utf8");
    return text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false; // the process ended between the two checks
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Listens on a port until `release` is called; 0 means any free port. @throws Error EADDRINUSE */
export async function takePort(port: number): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    release: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

export async function freePort(): Promise<number> {
  const taken = await takePort(0);
  await taken.release();
  return taken.port;
}
