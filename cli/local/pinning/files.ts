import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { HttpError, json } from "./http.ts";
import { fileOf } from "./pin.ts";
import type { Pin } from "./pin.ts";
import type { PinningRequest } from "./routes.ts";

const DEFAULT_PAGE = 10;
const MAX_PAGE = 1000;

const PinByCid = v.object({
  cid: v.pipe(v.string(), v.nonEmpty()),
  name: v.nullish(v.string()),
  keyvalues: v.nullish(v.record(v.string(), v.unknown()), null),
  group_id: v.nullish(v.string(), null),
  host_nodes: v.nullish(v.array(v.string()), null),
});

/**
 * `GET /v3/files/public`: newest first unless `order=ASC`. Filters match exactly: another spelling of a CID does not
 * match.
 */
export function listFiles({ url, store }: PinningRequest): Response {
  const query = url.searchParams;
  const ascending = query.get("order") === "ASC";
  const limit = pageSize(query.get("limit"));
  const after = query.get("pageToken");

  const rest = candidates(query.get("cid"))
    .filter((pin) => fits(pin, query))
    .filter((pin) => after === null || (ascending ? pin.created_at > after : pin.created_at < after))
    .toSorted((a, b) => (a.created_at < b.created_at === ascending ? -1 : 1));
  const page = rest.slice(0, limit);
  const next = rest.length > limit ? (page.at(-1)?.created_at ?? "") : "";
  return Response.json({ data: { files: page.map(fileOf), next_page_token: next } });

  function candidates(cid: string | null): Pin[] {
    if (cid === null) return store.all();
    return [store.find(cid)].filter((pin) => pin !== undefined);
  }
}

/** `GET /v3/files/public/{id}` */
export function getFile({ param: id, store }: PinningRequest): Response {
  const pin = store.get(id);
  if (pin === undefined) throw new HttpError(404, "no such file");
  return Response.json({ data: fileOf(pin) });
}

/** `DELETE /v3/files/public/{id}` */
export async function deleteFile({ param: id, store }: PinningRequest): Promise<Response> {
  if (!(await store.delete(id))) throw new HttpError(404, "no such file");
  return Response.json({ data: null });
}

/**
 * `POST /v3/files/public/pin_by_cid`: Pinata searches the network for the file. This service has no network: it accepts
 * the request, and never finds a file that is not already pinned.
 */
export function pinByCid({ body, store }: PinningRequest): Response {
  const wanted = v.safeParse(PinByCid, json(body));
  if (!wanted.success) throw new HttpError(400, v.summarize(wanted.issues));
  const { cid, name, keyvalues, group_id, host_nodes } = wanted.output;
  const id = store.find(cid)?.id ?? randomUUID();
  const date_queued = new Date().toISOString();
  return Response.json({
    data: { id, cid, name: name ?? cid, status: "prechecking", date_queued, keyvalues, group_id, host_nodes },
  });
}

function fits(pin: Pin, query: URLSearchParams): boolean {
  for (const [name, value] of query) {
    const key = /^keyvalues\[(.*)\]$/.exec(name)?.[1];
    if (key !== undefined && pin.keyvalues[key] !== value) return false;
    if (name === "name" && pin.name !== value) return false;
    if (name === "mimeType" && pin.mime_type !== value) return false;
    if (name === "group" && String(pin.group_id) !== value) return false; // "null": in no group
    if (name === "cidPending" && value === "true") return false; // every file here already has its CID
  }
  return true;
}

function pageSize(limit: string | null): number {
  const size = limit === null ? DEFAULT_PAGE : Number(limit);
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE)
    throw new HttpError(400, `limit: expected 1 to ${MAX_PAGE}`);
  return size;
}
