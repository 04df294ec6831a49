import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { STANDALONE_WORKERS } from "../../shared/pipeline.ts";
import { importsOf, packageOf, reachableFrom } from "./sources.ts";

interface Manifest {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly name?: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
}

const manifest = readJson("package.json") as Manifest;
const lockfile = readJson("package-lock.json") as { packages: Readonly<Record<string, Manifest>> };
const wanted = { ...manifest.dependencies, ...manifest.devDependencies };

function locked(name: string): string[] {
  return Object.entries(lockfile.packages).flatMap(([path, { version }]) =>
    path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`) ? [version] : [],
  );
}

/** Lists the installed versions of a package, at any depth of node_modules. */
function installed(name: string): string[] {
  const paths = globSync(
    [`node_modules/${name}/package.json`, `node_modules/**/node_modules/${name}/package.json`],
    {
      cwd: ROOT,
    },
  );
  return paths.map((path) => (readJson(path) as Manifest).version);
}

const MAY_RUN_SCRIPTS = ["node_modules/esbuild", "node_modules/node", "node_modules/workerd"];

/** The packages that our own code imports. Their dependencies are in the lockfile. */
const IN_WORKERS = [
  "@ipld/dag-pb",
  "@noble/hashes",
  "@noble/post-quantum",
  "@panva/hpke-noble",
  "asn1js",
  "canonicalize",
  "cborg",
  "hpke",
  "ipfs-unixfs",
  "ipfs-unixfs-importer",
  "itty-router",
  "multiformats",
  "pinata",
  "valibot",
];

describe("the dependencies", () => {
  it("are exact versions [T71]", () => {
    const loose = Object.entries(wanted).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it("are locked at the versions that package.json names", () => {
    expect(lockfile.packages[""]).toMatchObject({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
    for (const [name, version] of Object.entries(wanted))
      expect(lockfile.packages[`node_modules/${name}`]?.version, name).toBe(version);
  });

  it("are locked with a checksum each, and from no registry by address [T71]", () => {
    const entries = Object.entries(lockfile.packages);
    const unchecked = entries.filter(
      ([path, { integrity, inBundle }]) => path !== "" && !integrity && !inBundle,
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
    const addresses = entries.flatMap(([, { resolved }]) => resolved ?? []);
    expect(addresses.filter((address) => !address.startsWith("https://registry.npmjs.org/"))).toEqual([]);
  });

  it("are checked with SHA-512, and are links to nothing [T71]", () => {
    const entries = Object.entries(lockfile.packages).filter(([path]) => path !== "");
    const weak = entries.filter(
      ([, { integrity, inBundle }]) => !inBundle && integrity?.startsWith("sha512-") !== true,
    );
    expect(weak.map(([path]) => path)).toEqual([]);
    expect(entries.filter(([, { link }]) => link).map(([path]) => path)).toEqual([]);
    expect(entries.length).toBeGreaterThan(100);
  });

  // When npm writes the lockfile beside an installed node_modules, it leaves out the binaries of other platforms.
  it("are locked for every platform, so that `npm ci` works on each", () => {
    const { packages } = lockfile;
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
    expect(packages["node_modules/@cloudflare/workerd-darwin-arm64"]).toBeDefined();
  });

  // An install script runs with the rights of the person who installs, before a review. Each of these brings a program.
  it("run nothing while they are installed, but for three that are tools of the build [T72]", () => {
    const scripted = Object.entries(lockfile.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.map(([path]) => path).toSorted()).toEqual(MAY_RUN_SCRIPTS);
    expect(scripted.filter(([, { dev }]) => !dev)).toEqual([]);
  });

  it("are few in the Workers, and none of the build's or the tests' packages is deployed [T73]", () => {
    const reached = [...WORKER_NAMES, ...STANDALONE_WORKERS].flatMap((worker) =>
      reachableFrom(`workers/${worker}/index.ts`),
    );
    const packages = new Set(
      reached.flatMap((file) =>
        importsOf(file)
          .filter(({ target, typeOnly }) => !typeOnly && !/\.(?:ts|json)$/.test(target))
          .map(({ target }) => packageOf(target)),
      ),
    );
    const foreign = [...packages].filter((name) => !/^(?:node:|cloudflare:)/.test(name));
    expect(foreign.toSorted()).toEqual(IN_WORKERS);
    expect(foreign.filter((name) => !Object.hasOwn(manifest.dependencies ?? {}, name))).toEqual([]);
  });

  // With two versions, tests and `npm start` would run another platform than `wrangler deploy` checks against.
  it.for(["workerd", "miniflare", "wrangler"])("bring one %s, not two", (name) => {
    expect(locked(name)).toHaveLength(1);
    expect(installed(name)).toEqual(locked(name));
  });

  it("have miniflare and workerd at the versions that wrangler brings [T75]", () => {
    const { dependencies } = readJson("node_modules/wrangler/package.json") as Manifest;
    expect(wanted.miniflare).toBe(dependencies?.miniflare);
    expect(locked("miniflare")).toEqual([dependencies?.miniflare]);
    expect(locked("workerd")).toEqual([dependencies?.workerd]);
  });

  it("bring a Node that wrangler runs on, so that the machine's own may be older", () => {
    const [major = 0] = (wanted.node ?? "").split(".").map(Number);
    expect(major).toBeGreaterThanOrEqual(24);
    expect(process.versions.node).toBe(wanted.node);
  });
});
