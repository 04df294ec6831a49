import { DURABLE_OBJECTS, workerName } from "../../../shared/pipeline.ts";
import { kvKeysOf, objectsOf, pinnedFiles } from "../chain/chain-state.ts";
import type { Pipeline } from "../stack/pipeline.ts";

/**
 * Returns every stored byte as text, by the place where it is stored.
 * @param userIds users who have a Durable Object of their own
 */
export async function everythingKept(
  pipeline: Pipeline,
  userIds: readonly string[] = [],
): Promise<Map<string, string>> {
  const { kv, r2, pinning } = pipeline;
  const found = new Map<string, string>();
  for (const object of await objectsOf(r2, "")) {
    const body = await r2.get(object.key);
    const { customMetadata, httpMetadata } = object;
    const text = Buffer.from((await body?.arrayBuffer()) ?? []).toString(); // tiles of the logs are no text
    found.set(`R2 ${object.key}`, JSON.stringify([customMetadata, httpMetadata]) + text);
  }
  for (const key of await kvKeysOf(kv)) {
    const { value, metadata } = await kv.getWithMetadata(key);
    found.set(`KV ${key}`, JSON.stringify([value, metadata]));
  }
  for (const file of await pinnedFiles(pipeline)) {
    const pinned = await fetch(`${pinning.gatewayUrl}/ipfs/${file.cid}`);
    found.set(`IPFS ${file.name}`, JSON.stringify(file) + (await pinned.text()));
  }
  for (const [place, text] of await objectStorages(pipeline, userIds)) found.set(place, text);
  return found;
}

/** Reads the tables of every Durable Object: the one object of the chain, or one object for each user. */
async function objectStorages(
  { harness }: Pipeline,
  userIds: readonly string[],
): Promise<[place: string, text: string][]> {
  const found: [string, string][] = [];
  for (const [kind, { className, worker }] of Object.entries(DURABLE_OBJECTS)) {
    const names = kind === "user-metadata" ? userIds : ["vdc-main"]; // CHAIN_ID of the wrangler.toml files
    for (const name of names) {
      const sql = await harness.getWorker(workerName(worker)).getDurableObjectStorage(className, { name });
      for (const table of await sql.exec<{ name: string }>(TABLES))
        found.push([
          `DO ${kind} ${table.name}`,
          JSON.stringify(await sql.exec(`SELECT * FROM "${table.name}"`)),
        ]);
    }
  }
  return found;
}

/** Selects all tables except the platform's own. */
const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_' AND name NOT LIKE 'sqlite%'";
