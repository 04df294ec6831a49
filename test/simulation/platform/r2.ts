import { createHash } from "node:crypto";
import { DoneLater, landsAt, operation } from "../world/operation.ts";
import type { World } from "../world/world.ts";

export interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly uploaded: number;
  readonly customMetadata: Record<string, string>;
  readonly httpMetadata: R2HTTPMetadata;
}

/** Milliseconds between two writes of a key. A second write within them is refused now and then. */
const WRITE_INTERVAL = 1_000;
const KEYS_A_PAGE = 1_000;
const KEYS_A_DELETE = 1_000;

/** Called before each change, with the bytes of a put or `undefined` for a delete. */
export type R2Observer = (key: string, bytes: Uint8Array<ArrayBuffer> | undefined) => void;

/**
 * R2 with production's semantics: strong consistency, conditional writes, and an ETag that is a hash of the contents.
 */
export class SimulatedR2 {
  readonly #world: World;
  readonly #observe: R2Observer;
  readonly #objects = new Map<string, StoredObject>();
  readonly #written = new Map<string, number>();

  constructor(world: World, observe: R2Observer) {
    this.#world = world;
    this.#observe = observe;
  }

  truth(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  keys(prefix = ""): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  /** Changes an object without notice; `undefined` deletes it. */
  tamper(key: string, bytes: Uint8Array<ArrayBuffer> | undefined): void {
    if (bytes === undefined) this.#objects.delete(key);
    else this.#objects.set(key, this.#objectOf(bytes, {}));
  }

  /** Returns the binding that a Worker sees. */
  binding(): R2Bucket {
    const binding = {
      get: (key: string) =>
        this.#read(`R2 get ${key}`, () => {
          const object = this.#objects.get(key);
          return object ? withBody(key, object) : null;
        }),
      head: (key: string) =>
        this.#read(`R2 head ${key}`, () => {
          const object = this.#objects.get(key);
          return object ? described(key, object) : null;
        }),
      put: async (
        key: string,
        value: ArrayBuffer | Uint8Array<ArrayBuffer> | string,
        options: R2PutOptions = {},
      ) => {
        const bytes = bytesOf(value);
        return this.#change(`R2 put ${key}`, key, () => this.#put(key, bytes, options));
      },
      delete: async (keys: string | string[]) => {
        const all = [keys].flat();
        if (all.length > KEYS_A_DELETE) throw new Error("delete: at most 1000 keys (10004)");
        return this.#change(`R2 delete ${all.join(" ")}`, all.join(" "), () => {
          for (const key of all) {
            this.#observe(key, undefined);
            this.#objects.delete(key);
          }
        });
      },
      list: (options: R2ListOptions = {}) =>
        this.#read(`R2 list ${options.prefix ?? ""}`, () => this.#list(options)),
    };
    return binding as unknown as R2Bucket;
  }

  #read<T>(label: string, effect: () => T): Promise<T> {
    const failure = "internal error; please try again (10001)";
    return operation(this.#world, { label, effect, writes: false, takes: 40, failure });
  }

  #change<T>(label: string, what: string, write: () => T): Promise<T> {
    const failure = "internal error; please try again (10001)";
    const begunAt = this.#world.now;
    const effect = () => this.#now(what, begunAt, write);
    return operation(this.#world, { label, effect, writes: true, takes: 120, failure });
  }

  /** Writes now, or after the caller got an error. Conditions are checked at the moment of the write. */
  #now<T>(what: string, begunAt: number, write: () => T): T {
    if (!this.#world.strikes("R2 write late", what)) return write();
    this.#world.at(landsAt(this.#world, begunAt), () => {
      try {
        write();
      } catch (error) {
        this.#world.say(`R2 late write of ${what} is refused: ${String(error)}`); // the caller is no longer there
      }
    });
    throw new DoneLater("internal error; please try again (10001)");
  }

  #put(key: string, bytes: Uint8Array<ArrayBuffer>, options: R2PutOptions): R2Object | null {
    const { now } = this.#world;
    const soon = now - (this.#written.get(key) ?? -Infinity) < WRITE_INTERVAL;
    if (soon && this.#world.strikes("R2 write limited", key))
      throw new Error("put: Reduce your concurrent request rate for the same object. (10058)");
    const present = this.#objects.get(key);
    if (options.onlyIf !== undefined && !allows(options.onlyIf as R2Conditional, present)) return null;
    if (options.sha256 !== undefined && hexOf(options.sha256) !== sha256(bytes))
      throw new Error("put: The SHA-256 checksum you specified did not match what we received. (10037)");
    this.#observe(key, bytes);
    const object = this.#objectOf(bytes, options);
    this.#objects.set(key, object);
    this.#written.set(key, now);
    return described(key, object);
  }

  #objectOf(
    bytes: Uint8Array<ArrayBuffer>,
    { customMetadata = {}, httpMetadata = {} }: R2PutOptions,
  ): StoredObject {
    const etag = createHash("md5").update(bytes).digest("hex");
    return {
      bytes,
      etag,
      uploaded: this.#world.now,
      customMetadata: { ...customMetadata },
      httpMetadata: httpMetadata as R2HTTPMetadata,
    };
  }

  /** Lists a page of objects. A page may be shorter than asked for, as in R2. */
  #list({ prefix = "", limit = KEYS_A_PAGE, cursor, startAfter, include = [] }: R2ListOptions) {
    const after = cursor ?? startAfter ?? "";
    const keys = this.keys(prefix).filter((key) => key > after);
    const most = this.#world.calm ? KEYS_A_PAGE : this.#world.random.between(2, 30);
    const page = keys.slice(0, Math.min(limit, most));
    const objects = page.map((key) => {
      const object = described(key, this.#objects.get(key) as StoredObject) as unknown as Record<
        string,
        unknown
      >;
      if (!include.includes("customMetadata")) delete object.customMetadata;
      if (!include.includes("httpMetadata")) delete object.httpMetadata;
      return object;
    });
    return page.length < keys.length
      ? { objects, truncated: true, cursor: page.at(-1) as string, delimitedPrefixes: [] }
      : { objects, truncated: false, delimitedPrefixes: [] };
  }
}

function allows(condition: R2Conditional, present: StoredObject | undefined): boolean {
  const { etagDoesNotMatch, etagMatches, ...others } = condition as {
    etagDoesNotMatch?: string;
    etagMatches?: string;
  };
  if (Object.keys(others).length > 0) throw new Error(`not simulated: ${Object.keys(others).join(", ")}`);
  if (etagDoesNotMatch !== undefined)
    return etagDoesNotMatch === "*" ? present === undefined : present?.etag !== etagDoesNotMatch;
  return etagMatches === undefined || present?.etag === etagMatches;
}

function described(key: string, object: StoredObject): R2Object {
  return keyValuesOf(key, object) as unknown as R2Object;
}

function keyValuesOf(key: string, { bytes, etag, uploaded, customMetadata, httpMetadata }: StoredObject) {
  return {
    key,
    etag,
    httpEtag: `"${etag}"`,
    size: bytes.length,
    uploaded: new Date(uploaded),
    customMetadata: { ...customMetadata },
    httpMetadata,
    version: etag,
    writeHttpMetadata: () => {},
  };
}

function withBody(key: string, object: StoredObject): R2ObjectBody {
  const bytes = () => object.bytes.slice();
  const body = {
    ...keyValuesOf(key, object),
    get body() {
      return new Response(bytes()).body;
    },
    bodyUsed: false,
    arrayBuffer: async () => bytes().buffer,
    bytes: async () => bytes(),
    text: async () => Buffer.from(object.bytes).toString(),
    json: async () => JSON.parse(Buffer.from(object.bytes).toString()) as unknown,
  };
  return body as unknown as R2ObjectBody;
}

function bytesOf(value: ArrayBuffer | Uint8Array<ArrayBuffer> | string): Uint8Array<ArrayBuffer> {
  if (typeof value === "string") return Uint8Array.from(Buffer.from(value));
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice());
  throw new Error("not simulated: a stream put into R2");
}

function hexOf(digest: ArrayBuffer | ArrayBufferView | string): string {
  if (typeof digest === "string") return digest;
  const view = ArrayBuffer.isView(digest)
    ? Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength)
    : Buffer.from(digest);
  return view.toString("hex");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
