import { readFileSync } from "node:fs";
import { configPath, WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { utf8 } from "../../shared/crypto/bytes.ts";
import { workerName, type WorkerName } from "../../shared/pipeline.ts";
import { logged, objectsOf, pinnedFiles } from "../support/chain/chain-state.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { kvContents } from "../support/chain/transplant.ts";

/** Stored values by name: `kv vdc:latest`, `r2 blocks/1.json`, `ChainHead tx {…}`, `pin Qm…`. */
export type WholeState = Readonly<Record<string, string>>;

/** Every Durable Object class and the Worker that exports it, read from the wrangler.toml files. */
export const OBJECT_CLASSES: readonly (readonly [WorkerName, string])[] = WORKER_NAMES.flatMap((worker) =>
  Array.from(
    readFileSync(configPath(worker), "utf8").matchAll(/^\[exports\.(\w+)\]\ntype = "durable-object"/gm),
    ([, name = ""]) => [worker, name] as const,
  ),
);

/** Reads everything that the deployment has stored, row by row. Two equal results mean that nothing has changed. */
export async function wholeState(pipeline: Pipeline): Promise<WholeState> {
  const { kv, r2 } = pipeline;
  const objects = await Promise.all(OBJECT_CLASSES.map(([worker, name]) => rowsOf(pipeline, worker, name)));
  const state: Record<string, string> = Object.fromEntries(objects.flat());
  for (const [key, { value, metadata }] of await kvContents(kv))
    state[`kv ${key}`] = `${sha256Hex(utf8(value))} ${JSON.stringify(metadata)}`;
  for (const { key, etag, customMetadata } of await objectsOf(r2, ""))
    state[`r2 ${key}`] = `${etag} ${JSON.stringify(customMetadata)}`;
  for (const { cid, name } of await pinnedFiles(pipeline)) state[`pin ${cid}`] = name;
  return state;
}

/** Reads every row of every table of every object of a class. */
async function rowsOf({ harness }: Pipeline, worker: WorkerName, name: string): Promise<[string, string][]> {
  const handle = harness.getWorker(workerName(worker));
  const ids = await handle.listDurableObjectIds(name);
  const perObject = ids.map(async (id) => {
    const sql = await handle.getDurableObjectStorage(name, { id });
    const tables = await sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    const rows = tables.map(async (table) => {
      const all = await sql.exec(`SELECT * FROM "${table.name}"`);
      return all.map((row): [string, string] => [`${name} ${table.name} ${JSON.stringify(row)}`, id]);
    });
    return (await Promise.all(rows)).flat();
  });
  return (await Promise.all(perObject)).flat();
}

/** Returns the messages that the queues have delivered so far. The pipeline must be started with `tap`. */
export function delivered(pipeline: Pipeline): readonly { queue: unknown; body: unknown }[] {
  return logged(pipeline, "queue.message").map(({ queue, body }) => ({ queue, body }));
}

/** Lists the entries that only one of the two states has. */
export function difference(before: WholeState, after: WholeState): { gone: string[]; come: string[] } {
  const pairs = (state: WholeState) => Object.entries(state).map(([name, value]) => `${name} = ${value}`);
  const [had, has] = [new Set(pairs(before)), new Set(pairs(after))];
  return { gone: [...had].filter((one) => !has.has(one)), come: [...has].filter((one) => !had.has(one)) };
}
