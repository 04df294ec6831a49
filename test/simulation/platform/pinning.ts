import { cidV0 } from "../../../shared/crypto/cid.ts";
import { asPlatform } from "../world/invocation.ts";
import { operation } from "../world/operation.ts";
import { outside } from "../world/settled.ts";
import type { World } from "../world/world.ts";

interface Pin {
  readonly id: string;
  readonly cid: string;
  readonly name: string;
  readonly keyvalues: Record<string, string>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const UPLOADS = "https://uploads.pinata.cloud/v3";
export const API = "https://api.pinata.cloud/v3";
export const GATEWAY = "https://gateway.pinata.cloud";

export type PinObserver = (cid: string, bytes: Uint8Array<ArrayBuffer>) => void;

/**
 * Pinata, as the unmodified SDK calls it, and an IPFS gateway. They report success falsely, stall, limit and lose
 * files.
 */
export class SimulatedPinning {
  readonly #world: World;
  readonly #observe: PinObserver;
  readonly #pins = new Map<string, Pin>();
  readonly #pretended = new Set<string>();
  readonly #lost = new Set<string>();
  #count = 0;
  #downUntil = 0;

  constructor(world: World, observe: PinObserver) {
    this.#world = world;
    this.#observe = observe;
  }

  /** Returns the bytes that are pinned under this CID. */
  truth(cid: string): Uint8Array<ArrayBuffer> | undefined {
    return this.pins().find((pin) => pin.cid === cid)?.bytes;
  }

  pins(): Pin[] {
    return [...this.#pins.values()];
  }

  /** Tells whether the service ever lost a pin of this CID. */
  hasLost(cid: string): boolean {
    return this.#lost.has(cid);
  }

  /** Deletes every pin of these bytes. */
  forget(bytes: Uint8Array): void {
    for (const pin of this.pins()) if (Buffer.from(pin.bytes).equals(bytes)) this.#pins.delete(pin.id);
  }

  answers(url: URL): boolean {
    return [UPLOADS, API, GATEWAY].some((base) => url.href.startsWith(base));
  }

  fetch(request: Request): Promise<Response> {
    const { method, url } = request;
    const { pathname } = new URL(url);
    return operation(this.#world, {
      label: `pinning ${method} ${pathname}`,
      effect: () => this.#answer(request),
      writes: method !== "GET",
      takes: 400,
      failure: "Network connection lost.",
    });
  }

  async #answer(request: Request): Promise<Response> {
    const { method } = request;
    const url = new URL(request.url);
    const trouble = this.#trouble();
    if (trouble !== undefined) return trouble;
    const cid = /^\/ipfs\/([^/]+)$/.exec(url.pathname)?.[1];
    if (cid !== undefined) return this.#serve(cid);
    if (method === "POST") return this.#pin(await outside(() => request.clone().formData()));
    if (method === "DELETE") {
      const id = url.pathname.split("/").at(-1) ?? "";
      return this.#pins.delete(id)
        ? Response.json({ data: null })
        : Response.json({ error: "not found" }, { status: 404 });
    }
    return this.#list(url.searchParams);
  }

  #trouble(): Response | undefined {
    const { now, random, calm } = this.#world;
    if (this.#world.strikes("pinning down", "")) this.#downUntil = now + random.between(60_000, 7_200_000);
    if (now < this.#downUntil && !calm) return new Response("upstream unavailable", { status: 503 });
    if (this.#world.strikes("pinning limited", ""))
      return Response.json(
        { error: "rate limit" },
        { status: 429, headers: random.chance(0.5) ? { "retry-after": String(random.between(1, 90)) } : {} },
      );
    return undefined;
  }

  async #pin(form: FormData): Promise<Response> {
    const file = form.get("file") as File;
    const bytes = new Uint8Array(await outside(() => file.arrayBuffer()));
    const [version, name, keys] = ["cid_version", "name", "keyvalues"].map(
      (part) => form.get(part) as string,
    );
    if (version !== "v0") throw new Error(`not simulated: cid_version ${version}`);
    const cid = await asPlatform(() => cidV0(bytes));
    const keyvalues = JSON.parse(keys ?? "{}") as Record<string, string>;
    const known = this.pins().find((pin) => pin.cid === cid);
    const pin = known ?? {
      id: `pin-${++this.#count}`,
      cid,
      name: name ?? "",
      keyvalues,
      bytes,
    };
    if (this.#world.strikes("pin lies", cid))
      return fileAnswer({ ...pin, cid: await cidV0(Buffer.from(cid) as never) });
    if (known === undefined && this.#world.strikes("pin not kept", cid)) {
      this.#pretended.add(cid);
      return fileAnswer(pin);
    }
    this.#pins.set(pin.id, pin);
    this.#observe(cid, bytes);
    this.#world.at(this.#world.now + this.#world.random.between(60_000, 6 * 3_600_000), () => {
      if (!this.#world.strikes("pin lost", cid)) return;
      this.#lost.add(cid);
      this.#pins.delete(pin.id);
    });
    return fileAnswer(pin, known !== undefined);
  }

  #list(asked: URLSearchParams): Response {
    const cid = asked.get("cid");
    const limit = Number(asked.get("limit") ?? 10);
    const wanted = Object.fromEntries(
      [...asked].flatMap(([name, value]) => {
        const key = /^(?:metadata|keyvalues)\[(.+)\]$/.exec(name)?.[1];
        return key === undefined ? [] : [[key, value]];
      }),
    );
    const matching = this.pins().filter(
      (pin) =>
        (cid === null || pin.cid === cid) &&
        Object.entries(wanted).every(([key, value]) => pin.keyvalues[key] === value),
    );
    const from = Number(asked.get("pageToken") ?? 0);
    const files = matching.slice(from, from + limit).map(described);
    const more = from + limit < matching.length;
    return Response.json({ data: { files, ...(more && { next_page_token: String(from + limit) }) } });
  }

  #serve(cid: string): Response {
    const bytes = this.truth(cid);
    if (this.#world.strikes("gateway lies", cid))
      return this.#world.random.chance(0.5) ? somePage() : new Response("no such file", { status: 404 });
    if (bytes === undefined && this.#pretended.has(cid)) return somePage();
    return bytes === undefined ? new Response("no such file", { status: 404 }) : new Response(bytes.slice());
  }
}

function described({ id, cid, name, keyvalues, bytes }: Pin): object {
  return {
    id,
    cid,
    name,
    keyvalues,
    size: bytes.length,
    number_of_files: 1,
    mime_type: "application/json",
    network: "public",
    group_id: null,
    created_at: new Date().toISOString(),
  };
}

function somePage(): Response {
  return new Response("<html>soon</html>", { headers: { "content-type": "text/html" } });
}

function fileAnswer(pin: Pin, isDuplicate = false): Response {
  return Response.json({ data: { ...described(pin), ...(isDuplicate && { is_duplicate: true }) } });
}
