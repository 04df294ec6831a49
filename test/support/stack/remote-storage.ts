import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkerOptions } from "../../../cli/local/stack/platform.ts";
import { fromUtf8, hex } from "../../../shared/crypto/bytes.ts";

const NAME = "vdc-test-storage";

/** Makes the Worker that gives a test access to the storage of these Workers. */
export function storageWorker({ kvNamespaces, r2Buckets }: WorkerOptions): WorkerOptions {
  return {
    name: NAME,
    compatibilityDate: "2026-11-01",
    modules: true,
    script: readFileSync(join(import.meta.dirname, "storage-worker.js"), "utf8"),
    ...(kvNamespaces !== undefined && { kvNamespaces }),
    ...(r2Buckets !== undefined && { r2Buckets }),
  };
}

type Dispatch = (url: string, init: RequestInit) => Promise<Response>;

/** The namespace and the bucket of a running platform, with the methods that tests use. */
export function remoteStorage(dispatch: Dispatch): { kv: KVNamespace; r2: R2Bucket } {
  const call = new StorageCall(dispatch);
  return {
    kv: new RemoteKv(call) as unknown as KVNamespace,
    r2: new RemoteR2(call) as unknown as R2Bucket,
  };
}

type Value = string | ArrayBuffer | ArrayBufferView<ArrayBuffer> | ReadableStream;

class StorageCall {
  readonly #dispatch: Dispatch;

  constructor(dispatch: Dispatch) {
    this.#dispatch = dispatch;
  }

  /** @throws Error with the message of the storage's error */
  async send(on: "KV" | "R2", method: string, args: readonly unknown[], value?: Value): Promise<Response> {
    const response = await this.#dispatch("http://localhost/", {
      method: "POST",
      headers: {
        "MF-Route-Override": NAME,
        "x-call": encodeURIComponent(JSON.stringify({ on, method, args }, digestsAsHex)),
      },
      ...(value !== undefined && { body: value, duplex: "half" }),
    });
    if (response.status !== 500) return response;
    throw new Error(`${on}.${method}: ${await response.text()}`);
  }

  async json(on: "KV" | "R2", method: string, args: readonly unknown[], value?: Value): Promise<unknown> {
    return (await this.send(on, method, args, value)).json();
  }

  /** Reads a value's bytes and its metadata; null if the key has no value. */
  async bytes(on: "KV" | "R2", args: readonly unknown[]): Promise<{ body: Response; rest: unknown } | null> {
    const response = await this.send(on, "get", args);
    const found = response.headers.get("x-found");
    if (found === null)
      throw new Error(`${on}.get was answered with ${response.status}, without what it found`);
    const rest: unknown = JSON.parse(decodeURIComponent(found));
    return rest === null ? null : { body: response, rest };
  }
}

class RemoteKv {
  readonly #call: StorageCall;

  constructor(call: StorageCall) {
    this.#call = call;
  }

  async get(key: string, type: "text" | "json" = "text"): Promise<unknown> {
    const found = await this.#call.bytes("KV", [key]);
    return found && (type === "json" ? found.body.json() : found.body.text());
  }

  async getWithMetadata(
    key: string,
    type: "text" | "json" = "text",
  ): Promise<{ value: unknown; metadata: unknown }> {
    const found = await this.#call.bytes("KV", [key]);
    if (found === null) return { value: null, metadata: null };
    const { metadata } = found.rest as { metadata: unknown };
    return { value: await (type === "json" ? found.body.json() : found.body.text()), metadata };
  }

  async put(key: string, value: Value, options?: object): Promise<void> {
    await this.#call.json("KV", "put", [key, options], value);
  }

  async delete(key: string): Promise<void> {
    await this.#call.json("KV", "delete", [key]);
  }

  list(options?: object): Promise<unknown> {
    return this.#call.json("KV", "list", [options]);
  }
}

/** JSON can't hold bytes. R2 accepts a digest as hexadecimal text too. */
function digestsAsHex(_: string, value: unknown): unknown {
  if (value instanceof ArrayBuffer) return hex(new Uint8Array(value));
  return value instanceof Uint8Array ? hex(value) : value;
}

interface PlainObject {
  readonly uploaded: number;
}

function asObject(plain: unknown): object | null {
  const object = plain as PlainObject | null;
  return object && { ...object, uploaded: new Date(object.uploaded) };
}

class RemoteR2 {
  readonly #call: StorageCall;

  constructor(call: StorageCall) {
    this.#call = call;
  }

  async get(key: string): Promise<object | null> {
    const found = await this.#call.bytes("R2", [key]);
    if (found === null) return null;
    const bytes = new Uint8Array(await found.body.arrayBuffer());
    return {
      ...asObject(found.rest),
      arrayBuffer: async () => bytes.buffer,
      text: async () => fromUtf8(bytes),
      json: async () => JSON.parse(fromUtf8(bytes)) as unknown,
    };
  }

  async head(key: string): Promise<object | null> {
    return asObject(await this.#call.json("R2", "head", [key]));
  }

  async put(key: string, value: Value, options?: object): Promise<object | null> {
    return asObject(await this.#call.json("R2", "put", [key, options], value));
  }

  async delete(keys: string | readonly string[]): Promise<void> {
    await this.#call.json("R2", "delete", [keys]);
  }

  async list(options?: object): Promise<object> {
    const page = (await this.#call.json("R2", "list", [options])) as { objects: readonly unknown[] };
    return { ...page, objects: page.objects.map(asObject) };
  }
}
