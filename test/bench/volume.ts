import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { ROOT } from "../../cli/local/stack/workers.ts";
import type { Volume } from "./fill.ts";
import type { Asked, BatchList, Rows } from "./measured.ts";

export const FULL: Volume = {
  blocks: 2_000,
  mined: 1_000_000,
  waiting: 200_000,
  setAside: 200_000,
  intents: 200_000,
  deadLetters: 200_000,
};
/** Almost empty: enough for a page and a few blocks, so that both objects read full pages. */
export const SMALL: Volume = {
  blocks: 20,
  mined: 1_000,
  waiting: 18_000,
  setAside: 6_000,
  intents: 12_000,
  deadLetters: 6_000,
};

/**
 * The measurement of one batch. `rows` counts the whole batch; `milliseconds` is one call, including its way from Node
 * and back.
 */
export interface Measured {
  readonly rows: Rows;
  readonly milliseconds: number;
}

export interface Comparison {
  readonly name: string;
  readonly times: number;
  readonly small: readonly Measured[];
  readonly full: readonly Measured[];
}

const OBJECTS = ["CHAIN_HEADS", "DEAD_LETTERS"] as const;

/** Runs the Worker with the real objects in workerd, over a storage of its own. */
export class Bench {
  readonly #storage = mkdtempSync(join(tmpdir(), "vdc-bench-"));
  #miniflare: Miniflare | undefined;

  async ask<T>(asked: Asked): Promise<T> {
    this.#miniflare ??= await started(this.#storage);
    const response = await this.#miniflare.dispatchFetch("http://bench/", {
      method: "POST",
      body: JSON.stringify(asked),
    });
    if (!response.ok) throw new Error(`${asked.batch ?? "fill"}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  async close(): Promise<void> {
    await this.#miniflare?.dispose();
    rmSync(this.#storage, { recursive: true, force: true });
  }
}

/** Runs every batch on both objects in turn, `rounds` times after a round that is not counted. */
export async function compareVolumes(
  bench: Bench,
  small: Volume,
  full: Volume,
  rounds: number,
  say: (line: string) => void = () => {},
): Promise<readonly Comparison[]> {
  const compared: (Comparison & { object: Asked["object"]; small: Measured[]; full: Measured[] })[] = [];
  for (const object of OBJECTS) {
    await bench.ask({ object, name: "small", fill: small });
    const { batches } = await bench.ask<{ batches: BatchList }>({ object, name: "full", fill: full });
    say(`${object} are filled`);
    compared.push(...batches.map((batch) => ({ ...batch, object, small: [], full: [] })));
  }
  for (let round = 0; round <= rounds; round++) {
    // The order changes each round, so that other load of the machine affects both objects.
    const sides = round % 2 === 0 ? (["small", "full"] as const) : (["full", "small"] as const);
    for (const { object, name: batch, times, ...results } of compared)
      for (const side of sides) {
        const began = performance.now();
        const rows = await bench.ask<Rows>({ object, name: side, batch });
        if (round > 0) results[side].push({ rows, milliseconds: (performance.now() - began) / times });
      }
    say(`round ${round} of ${rounds}`);
  }
  return compared;
}

/** Measures the bytes that one more transaction or dead letter takes in its object's storage. */
export async function bytesOfEach(bench: Bench): Promise<Readonly<Record<string, number>>> {
  const N = 100_000;
  const none: Volume = { blocks: 1, mined: 1, waiting: 1, setAside: 1, intents: 1, deadLetters: 1 };
  const bytesOf = async (object: Asked["object"], fill: Volume) => {
    const { bytes } = await bench.ask<{ bytes: number }>({ object, name: crypto.randomUUID(), fill });
    return bytes;
  };
  const each = async (object: Asked["object"], more: Partial<Volume>) =>
    Math.round(((await bytesOf(object, { ...none, ...more })) - (await bytesOf(object, none))) / N);
  return {
    "a mined transaction, in blocks of 500": await each("CHAIN_HEADS", { mined: N, blocks: N / 500 }),
    "a waiting transaction": await each("CHAIN_HEADS", { waiting: N }),
    "a set-aside transaction": await each("CHAIN_HEADS", { setAside: N }),
    "a submission that is to be paid": await each("CHAIN_HEADS", { intents: N }),
    "a dead letter with one failure": await each("DEAD_LETTERS", { deadLetters: N }),
  };
}

async function started(storage: string): Promise<Miniflare> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: storage,
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: () => {},
      telemetry: { enabled: false },
      cf: false,
      workers: [
        {
          name: "bench",
          modules: [{ type: "ESModule", path: "bench.js", contents: await bundled() }],
          compatibilityDate: "2026-11-01",
          compatibilityFlags: ["webcrypto_modern_algorithms"],
          durableObjects: {
            CHAIN_HEADS: { className: "MeasuredChainHead", useSQLite: true },
            DEAD_LETTERS: { className: "MeasuredDeadLetters", useSQLite: true },
          },
        },
      ],
    }),
  );
  await miniflare.ready;
  return miniflare;
}

interface Esbuild {
  build(options: object): Promise<{ readonly outputFiles: readonly { readonly text: string }[] }>;
}

/** Bundles with wrangler's own esbuild, which also bundles the Workers. */
async function bundled(): Promise<string> {
  const ours = createRequire(import.meta.url);
  const esbuild = createRequire(ours.resolve("wrangler"))("esbuild") as Esbuild;
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(ROOT, "test/bench/measured.ts")],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:*", "node:*"],
    conditions: ["workerd", "worker", "browser"],
    logLevel: "silent",
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild made nothing of test/bench/measured.ts");
  return file.text;
}
