import type { DocumentTiers } from "../../workers/accounts/documents/settle-upload.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { listed } from "./memory-bucket.ts";

/**
 * A failure of one operation. `before`: the operation does not happen. `after`: it happens, and still reports failure.
 */
export type Fault = "before" | "after";

interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly customMetadata: Record<string, string> | undefined;
}

/** Milliseconds after which a request to the pinning service times out and no longer has an effect. */
const DEADLINE = 60_000;

/**
 * R2, a pinning service and the index of documents in memory, as far as storing a document relies on them. Each
 * operation waits for its turn (`turn`) and may fail (`fault`).
 */
export class MemoryTiers {
  readonly objects = new Map<string, Kept>();
  readonly pins = new Set<string>();
  /** The CID of each document that the index knows. */
  readonly index = new Map<string, string>();
  /** Milliseconds since the epoch. */
  clock = 1_000_000_000_000;
  turn: (what: string) => Promise<void> = async () => {};
  fault: (what: string) => Fault | undefined = () => undefined;

  tiers(): DocumentTiers {
    return {
      bucket: this.#bucket() as unknown as R2Bucket,
      pinner: {
        pin: (bytes) =>
          this.#pinning("pin", async () => {
            const cid = await cidV0(bytes);
            return () => {
              this.pins.add(cid);
              return cid;
            };
          }),
        isPinned: (cid) => this.#pinning("isPinned", async () => () => this.pins.has(cid)),
        unpin: (cid) => this.#pinning("unpin", async () => () => void this.pins.delete(cid)),
      },
      gateway: {
        fetch: async () => undefined,
        serves: (cid) => this.#pinning("serves", async () => () => this.pins.has(cid)),
      },
      index: {
        note: ({ id, cid }) =>
          this.#do("index", () => {
            if (!this.index.has(id)) this.index.set(id, cid);
          }),
        find: (id) =>
          this.#do("find in index", () => {
            const cid = this.index.get(id);
            return cid === undefined ? null : { id, cid, bytes: 0 };
          }),
      },
      chainId: "vdc-main",
      now: () => this.clock,
      pause: async () => {},
    };
  }

  #bucket() {
    const etagOf = (key: string) => {
      const kept = this.objects.get(key);
      return kept && sha256Hex(kept.bytes);
    };
    const shown = (key: string) => {
      const kept = this.objects.get(key);
      if (kept === undefined) return null;
      const { bytes, customMetadata } = kept;
      return {
        key,
        size: bytes.length,
        etag: etagOf(key),
        customMetadata,
        arrayBuffer: async () => bytes.slice().buffer,
      };
    };
    return {
      get: (key: string) => this.#do(`get ${key}`, () => shown(key)),
      head: (key: string) => this.#do(`head ${key}`, () => shown(key)),
      delete: (key: string) => this.#do(`delete ${key}`, () => void this.objects.delete(key)),
      list: (options: R2ListOptions) =>
        this.#do(`list ${options.prefix ?? ""}`, () => listed(this.objects, options)),
      put: (
        key: string,
        bytes: Uint8Array<ArrayBuffer>,
        { onlyIf, customMetadata }: { onlyIf: R2Conditional; customMetadata?: Record<string, string> },
      ) =>
        this.#do(`put ${key}`, () => {
          const etag = etagOf(key);
          if (onlyIf.etagDoesNotMatch === "*" && etag !== undefined) return null;
          if (onlyIf.etagMatches !== undefined && onlyIf.etagMatches !== etag) return null;
          this.objects.set(key, { bytes: bytes.slice(), customMetadata });
          return {};
        }),
    };
  }

  async #do<T>(what: string, effect: () => T): Promise<T> {
    await this.turn(what);
    const fault = this.fault(what);
    if (fault === "before") throw new Error(`${what} failed`);
    const answer = effect();
    await this.turn(`answer to ${what}`);
    if (fault === "after") throw new Error(`${what} was done, and said to have failed`);
    return answer;
  }

  async #pinning<T>(what: string, prepare: () => Promise<() => T>): Promise<T> {
    const effect = await prepare();
    const until = this.clock + DEADLINE;
    return this.#do(what, () => {
      if (this.clock > until) throw new Error(`${what} was given up`);
      return effect();
    });
  }
}
