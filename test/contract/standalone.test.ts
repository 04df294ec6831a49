import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { experimental_readRawConfig, unstable_readConfig } from "wrangler";
import { configPath, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { STANDALONE_WORKERS, workerName } from "../../shared/pipeline.ts";
import { importsOf, reachableFrom } from "./sources.ts";

const rawConfig = (worker: Parameters<typeof configPath>[0]) =>
  experimental_readRawConfig({ config: configPath(worker) }).rawConfig as Readonly<Record<string, unknown>>;

/** Rooms of shared/ that know the storage, the queues or the objects of the pipeline. */
const ROOMS_OF_THE_PIPELINE = /^shared\/(?:api|objects|operations|queue|storage|stripe)\//;

describe("wrangler.toml of the witness", () => {
  it("has one object of its own, its own secret, and nothing of the pipeline [T91]", () => {
    expect(rawConfig("witness")).toEqual({
      name: "vdc-witness",
      main: "index.ts",
      compatibility_date: "2026-11-01",
      compatibility_flags: ["webcrypto_modern_algorithms"],
      preview_urls: false,
      vars: { WITNESS_NAME: "", WITNESS_LOGS: "" },
      secrets: { required: ["WITNESS_KEYRING"] },
      exports: { Witness: { type: "durable-object", storage: "sqlite" } },
      durable_objects: {
        bindings: [{ name: "WITNESS", class_name: "Witness" }],
        code_update_strategy: { mode: "deferred", max_delay: 300 },
      },
      observability: { enabled: true },
    });
  });
});

describe.for(STANDALONE_WORKERS)("the standalone Worker %s", (worker) => {
  it("has a configuration that wrangler takes without a complaint", () => {
    const said: string[] = [];
    const { warn } = console;
    console.warn = (...text) => void said.push(text.join(" "));
    try {
      const config = unstable_readConfig({ config: configPath(worker) }, { hideWarnings: false });
      expect(existsSync(config.main ?? "")).toBe(true);
    } finally {
      console.warn = warn;
    }
    expect(said).toEqual([]);
  });

  it("reaches no code that knows the storage, the queues or the objects of the pipeline", () => {
    const reached = reachableFrom(`workers/${worker}/index.ts`);
    expect(reached.length).toBeGreaterThan(10);
    const paths = reached.map(({ path }) => path);
    expect(paths.filter((path) => ROOMS_OF_THE_PIPELINE.test(path))).toEqual([]);
    expect(
      paths.filter((path) => path.startsWith("workers/") && !path.startsWith(`workers/${worker}/`)),
    ).toEqual([]);
  });

  it("is bound to by no Worker of the pipeline, and known to none", () => {
    for (const other of WORKER_NAMES) {
      expect(JSON.stringify(rawConfig(other)), other).not.toContain(`"${workerName(worker)}"`);
      const targets = reachableFrom(`workers/${other}/index.ts`).flatMap((file) => importsOf(file));
      expect(targets.filter(({ target }) => target.startsWith(`workers/${worker}/`))).toEqual([]);
    }
  });
});
