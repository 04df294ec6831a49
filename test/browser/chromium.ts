import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The path of Chromium on Debian and Ubuntu, or the path in VDC_CHROMIUM. */
export const CHROMIUM = [process.env.VDC_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && path !== "" && existsSync(path),
);

const SWITCHES = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--disable-breakpad",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Opens a page in a new browser without stored data, until `work` is over. @throws Error with the browser's output when
 * it ends before
 */
export async function inChromium<T>(program: string, url: string, work: Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), "vdc-chromium-"));
  const browser = spawn(program, [...SWITCHES, `--user-data-dir=${profile}`, url], {
    detached: true, // a process group of its own, so that exactly its processes can be ended
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  browser.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const closed = new Promise<void>((resolve) => void browser.once("close", () => resolve()));
  const ended = new Promise<never>((_, reject) => {
    browser.once("error", reject);
    browser.once("exit", (code) => reject(new Error(`Chromium ended (${code}): ${said.slice(-2_000)}`)));
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    ended.catch(() => {}); // this test ends the browser now
    if (browser.pid !== undefined) end(browser.pid);
    await closed;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function end(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // the browser has ended by itself
  }
}
