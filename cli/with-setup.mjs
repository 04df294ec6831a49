// Runs a program of the project on an unprepared machine: `node cli/with-setup.mjs <file.ts> [arguments]`. It is plain
// JavaScript without dependencies, because any Node (20 or newer) may run it. It installs what is missing and then starts
// the program with the project's own Node.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const ownNode = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");

process.stderr.on("error", () => {}); // a reader that has gone must not end the program
if (!isInstalled()) install();
const [program, ...programArguments] = process.argv.slice(2);
const child = spawn(
  ownNode,
  ["--disable-warning=ExperimentalWarning", join(root, program), ...programArguments],
  {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: {
      ...process.env,
      PATH: bin + delimiter + process.env.PATH,
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG: "error",
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || join(root, "node_modules", ".cache", "compiled"),
    },
  },
);
// A terminal sends Ctrl-C to the whole process group, a supervisor to this process alone. In both cases the program
// decides when it ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
// When npm or the shell that started this process was killed, no process is left to stop it.
const starters = startersNow();
setInterval(() => starters === startersNow() || child.kill("SIGTERM"), 500).unref();

// A killed program cannot end its own children, so it sends their process ids here.
let runtimes = [];
child.on("message", (message) => (runtimes = message.runtimes ?? runtimes));
child.on("error", (error) => fail(`could not start ${ownNode}: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === "SIGKILL") for (const pid of runtimes) kill(pid);
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});

/** This process's parent and grandparent: npm starts it through a shell, which outlives npm. */
function startersNow() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, "utf8");
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]}`;
  } catch {
    return String(process.ppid); // this system has no /proc
  }
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // the process has ended already
  }
}

/** Decides whether the installation matches the lockfile: npm writes its own copy last. */
function isInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed) || !existsSync(ownNode)) return false;
  if (statSync(installed).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs) return true;
  const present = new Set(versions(installed));
  return versions(join(root, "package-lock.json")).every((entry) => present.has(entry));
}

function versions(file) {
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  return Object.entries(packages).flatMap(([path, { version, optional }]) =>
    path === "" || optional ? [] : [`${path}@${version}`],
  );
}

function install() {
  process.stderr.write("Installing VDC's dependencies (once, about half a minute) …\n");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  // Does not use `npm ci`: it removes node_modules first, under a stack that may be running. Both ways install the locked
  // versions and write no file that git tracks.
  const { status, error } = spawnSync(
    npm,
    ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", "ignore", "inherit"],
      shell: process.platform === "win32",
    },
  );
  if (error) fail(`npm could not be started: ${error.message}. Install Node.js with npm, then try again.`);
  if (status !== 0) fail("npm install failed; its message is above. Check the network, then try again.");
  if (!existsSync(ownNode))
    fail("the npm package `node` did not install its binary: allow install scripts, then try again.");
}

function fail(message) {
  process.stderr.write(`vdc: ${message}\n`);
  process.exit(1);
}
