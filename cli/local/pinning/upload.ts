import * as v from "valibot";
import { HttpError, json } from "./http.ts";
import { fileOf, newPin, Pin } from "./pin.ts";
import type { PinDraft } from "./pin.ts";
import type { PinningRequest } from "./routes.ts";
import { unixfs } from "./unixfs.ts";

/** Options of Pinata that this service does not support. It refuses them rather than ignore them. */
const UNSUPPORTED = ["car", "expires_at"];

/** `POST /v3/files` */
export async function uploadFile(call: PinningRequest): Promise<Response> {
  const form = await formOf(call);
  const { bytes, draft } = await pinnedBy(form);
  switch (call.fault?.kind) {
    case "lost":
      return answer(newPin(draft, new Date()), false);
    case "stored_but_errored":
      await call.store.put(bytes, draft);
      throw new HttpError(500, "Internal Server Error");
    case "wrong_cid": {
      const { pin, isDuplicate } = await call.store.put(bytes, draft);
      return answer({ ...pin, cid: await anotherCid(pin) }, isDuplicate);
    }
    default: {
      const { pin, isDuplicate } = await call.store.put(bytes, draft);
      return answer(pin, isDuplicate);
    }
  }
}

function answer(pin: Pin, isDuplicate: boolean): Response {
  return Response.json({ data: { ...fileOf(pin), ...(isDuplicate && { is_duplicate: true }) } });
}

async function anotherCid(pin: Pin): Promise<string> {
  const { root } = await unixfs(new TextEncoder().encode(`not ${pin.cid}`), pin.cid_version);
  return root.cid.toString();
}

async function pinnedBy(form: FormData): Promise<{ bytes: Uint8Array; draft: PinDraft }> {
  const file = form.get("file");
  if (!(file instanceof File)) throw new HttpError(400, "expected a file");
  if ((textOf(form, "network") ?? "public") !== "public")
    throw new HttpError(400, "only the public network is served here");
  for (const name of UNSUPPORTED)
    if (form.has(name)) throw new HttpError(400, `${name} is not supported by the local pinning service`);
  const version = v.safeParse(Pin.entries.cid_version, textOf(form, "cid_version") ?? "v1");
  if (!version.success) throw new HttpError(400, "cid_version: expected v0, v1 or unixfs-v1-2025");
  const keyvalues = v.safeParse(Pin.entries.keyvalues, json(textOf(form, "keyvalues") ?? "{}"));
  if (!keyvalues.success) throw new HttpError(400, "keyvalues: expected a flat object of strings");

  const bytes = new Uint8Array(await file.arrayBuffer());
  const { root } = await unixfs(bytes, version.output);
  return {
    bytes,
    draft: {
      cid: root.cid.toString(),
      cid_version: version.output,
      name: textOf(form, "name") ?? file.name,
      size: bytes.length,
      mime_type: file.type === "" ? "application/octet-stream" : file.type,
      keyvalues: keyvalues.output,
      group_id: textOf(form, "group_id") ?? null,
    },
  };
}

/** @throws HttpError 400 */
async function formOf({ body, headers }: PinningRequest): Promise<FormData> {
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data")) throw new HttpError(415, "expected multipart/form-data");
  try {
    return await new Response(body, { headers: { "content-type": type } }).formData();
  } catch {
    throw new HttpError(400, "malformed multipart/form-data");
  }
}

function textOf(form: FormData, name: string): string | undefined {
  const value = form.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}
