import { createHash } from "node:crypto";
import type { Log } from "../../../shared/runtime/log.ts";

export const SILENT: Log = { info() {}, warn() {}, error() {}, with: () => SILENT };

interface MemoryObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly size: number;
  readonly uploaded: Date;
  readonly customMetadata: Record<string, string>;
}

/**
 * Lists these objects as R2 does: in the order of their keys, after `startAfter`, at most `limit`.
 * @param objects the listed values, by key
 */
export function listed<Value extends object>(
  objects: Iterable<readonly [string, Value]>,
  { prefix = "", startAfter = "", limit = 1_000 }: R2ListOptions,
): { objects: ({ key: string } & Value)[]; truncated: boolean } {
  const found = [...objects]
    .filter(([key]) => key.startsWith(prefix) && key > startAfter)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, ...value }));
  return { objects: found.slice(0, limit), truncated: found.length > limit };
}

/** An R2 bucket in memory, with the two conditions that the code relies on: create-only and replace-only. */
export class MemoryBucket {
  readonly #objects = new Map<string, MemoryObject>();
  /** Runs before each call, so that a test can change something in between. */
  before: (call: string, key: string) => Promise<void> | void = () => {};

  set(key: string, bytes: Uint8Array<ArrayBuffer>, customMetadata = {}, uploaded = new Date(0)): void {
    const etag = createHash("md5").update(bytes).digest("hex");
    this.#objects.set(key, { bytes: bytes.slice(), etag, size: bytes.length, uploaded, customMetadata });
  }

  keys(): string[] {
    return [...this.#objects.keys()].toSorted();
  }

  bytes(key: string): Uint8Array<ArrayBuffer> | undefined {
    return this.#objects.get(key)?.bytes;
  }

  text(key: string): string {
    return Buffer.from(this.bytes(key) ?? []).toString();
  }

  async head(key: string) {
    await this.before("head", key);
    return this.#objects.get(key) ?? null;
  }

  async get(key: string) {
    await this.before("get", key);
    const object = this.#objects.get(key);
    if (object === undefined) return null;
    const text = Buffer.from(object.bytes).toString();
    return {
      ...object,
      arrayBuffer: async () => object.bytes.slice().buffer,
      json: async () => JSON.parse(text),
    };
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>, options: R2PutOptions = {}) {
    await this.before("put", key);
    const { etagDoesNotMatch, etagMatches } = (options.onlyIf ?? {}) as R2Conditional;
    const present = this.#objects.get(key);
    if (etagDoesNotMatch === "*" && present !== undefined) return null;
    if (etagMatches !== undefined && present?.etag !== etagMatches) return null;
    this.set(key, bytes, options.customMetadata);
    return {};
  }

  async delete(keys: string | string[]) {
    for (const key of [keys].flat()) {
      await this.before("delete", key);
      this.#objects.delete(key);
    }
  }

  async list(options: R2ListOptions) {
    await this.before("list", options.prefix ?? "");
    return listed(this.#objects, options);
  }
}
