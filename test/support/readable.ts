import { DURABLE_OBJECTS, workerName } from "../../shared/pipeline.ts";
import { kvKeysOf, objectsOf, pinnedFiles } from "./chain-state.ts";
import type { Pipeline } from "./pipeline.ts";

/** Every byte that is stored: text by the place where it was found. The storage of Durable Objects is shown to operators, in answers. */
export async function everythingKept(pipeline: Pipeline): Promise<Map<string, string>> {
  const { kv, r2, pinning } = pipeline;
  const found = new Map<string, string>();
  for (const object of await objectsOf(r2, "")) {
    const body = await r2.get(object.key);
    const { customMetadata, httpMetadata } = object;
    found.set(`R2 ${object.key}`, JSON.stringify([customMetadata, httpMetadata]) + (await body?.text()));
  }
  for (const key of await kvKeysOf(kv)) {
    const { value, metadata } = await kv.getWithMetadata(key);
    found.set(`KV ${key}`, JSON.stringify([value, metadata]));
  }
  for (const file of await pinnedFiles(pipeline)) {
    const pinned = await fetch(`${pinning.gatewayUrl}/ipfs/${file.cid}`);
    found.set(`IPFS ${file.name}`, JSON.stringify(file) + (await pinned.text()));
  }
  for (const [place, text] of await objectStorages(pipeline)) found.set(place, text);
  return found;
}

/** The tables of every Durable Object of which there is one for the chain. */
async function objectStorages({ harness }: Pipeline): Promise<[place: string, text: string][]> {
  const found: [string, string][] = [];
  for (const { className, worker } of Object.values(DURABLE_OBJECTS)) {
    const sql = await harness
      .getWorker(workerName(worker))
      .getDurableObjectStorage(className, { name: "vdc-main" }); // CHAIN_ID of the wrangler.toml files
    const tables = await sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    for (const { name } of tables)
      found.push([`DO ${worker} ${name}`, JSON.stringify(await sql.exec(`SELECT * FROM "${name}"`))]);
  }
  return found;
}
