import { HttpError } from "./http.ts";
import type { Pin } from "./pin.ts";
import type { PinningRequest } from "./routes.ts";
import { car, unixfs } from "./unixfs.ts";

type Format = "file" | "raw" | "car";

/** `GET /ipfs/{cid}`, the path and trustless gateways of specs.ipfs.tech, for whole files by the CID of their pin. */
export async function serveFile(call: PinningRequest): Promise<Response> {
  const { param: cid, store, fault, headers } = call;
  const format = formatOf(call);
  const pin = fault?.kind === "gateway_missing" ? undefined : store.find(cid);
  const bytes = pin && (await store.bytes(cid));
  if (pin === undefined || bytes === undefined) throw new HttpError(404, `no file ${cid}`);

  const answer = headersOf(pin, format);
  if (headers.get("if-none-match")?.includes(answer.etag) === true)
    return new Response(null, { status: 304, headers: answer });
  const body = await bodyOf(pin, bytes, format);
  return new Response(fault?.kind === "gateway_altered" ? altered(body) : body, { headers: answer });
}

/** @throws HttpError 400 for a format that this gateway does not have */
function formatOf({ url, headers }: PinningRequest): Format {
  const wanted = url.searchParams.get("format");
  if (wanted === "raw" || wanted === "car") return wanted;
  if (wanted !== null) throw new HttpError(400, "format: expected raw or car");
  return (/application\/vnd\.ipld\.(raw|car)/.exec(headers.get("accept") ?? "")?.[1] as Format) ?? "file";
}

function headersOf({ cid, mime_type }: Pin, format: Format) {
  const [type, etag] = {
    file: [mime_type, `"${cid}"`],
    raw: ["application/vnd.ipld.raw", `"${cid}.raw"`],
    car: ["application/vnd.ipld.car; version=1", `W/"${cid}.car"`],
  }[format] as [string, string];
  return {
    "content-type": type,
    etag,
    "cache-control": "public, max-age=29030400, immutable",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
    "x-ipfs-path": `/ipfs/${cid}`,
    "x-ipfs-roots": cid,
    vary: "accept",
  };
}

async function bodyOf(
  pin: Pin,
  bytes: Uint8Array<ArrayBuffer>,
  format: Format,
): Promise<Uint8Array<ArrayBuffer>> {
  if (format === "file") return bytes;
  const dag = await unixfs(bytes, pin.cid_version);
  return format === "car" ? car(dag) : new Uint8Array(dag.root.bytes);
}

/** Changes the last byte. The file still parses, also as a CAR, but its last block no longer has the right hash. */
function altered(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const last = bytes.at(-1);
  return last === undefined ? Uint8Array.of(0) : bytes.with(bytes.length - 1, last ^ 1);
}
