import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../local/stack/workers.ts";
import { CommandFailure } from "../output/failure.ts";

const PACKAGES = ["wrangler", "miniflare", "typescript"] as const;

/** Versions of the tools on this machine. @throws CommandFailure when one is missing, or is not the locked version */
export function toolVersions(): string {
  const { packages } = readJson("package-lock.json") as { packages: Record<string, { version: string }> };
  const found = PACKAGES.map((name) => {
    const { version } = readJson(join("node_modules", name, "package.json")) as { version: string };
    const locked = packages[`node_modules/${name}`]?.version;
    if (version !== locked)
      throw new CommandFailure(`${name} is ${version}, and the lockfile says ${locked}: run \`npm install\``);
    return `${name} ${version}`;
  });
  return [`node ${process.versions.node}`, ...found].join(", ");
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
  } catch (error) {
    throw new CommandFailure(
      `${path} can't be read (${(error as NodeJS.ErrnoException).code}): run \`npm install\``,
    );
  }
}
