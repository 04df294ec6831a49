import { copyOf } from "../world/copy.ts";
import { DoneLater, landsAt, operation } from "../world/operation.ts";
import type { World } from "../world/world.ts";

interface Version {
  readonly at: number;
  /** `undefined`: the key has no value. */
  readonly value: string | undefined;
  readonly metadata?: unknown;
}

/** Milliseconds for which a location may return an older version (Cloudflare: "up to 60 seconds or more"). */
export const STALE = 60_000;
/** Milliseconds that must lie between two writes of a key. */
const WRITE_INTERVAL = 1_000;
const KEYS_A_LIST = 1_000;
const KEYS_A_GET = 100;

export type KvObserver = (key: string, value: string | undefined) => void;

/**
 * Workers KV with production's semantics. A read may return the version of up to a minute ago, also the absence of a
 * value. A second write of a key within a second is refused.
 */
export class SimulatedKv {
  readonly #world: World;
  readonly #keys = new Map<string, Version[]>();
  readonly #observe: KvObserver;
  readonly #landsWithin: number;

  /** @param landsWithin milliseconds: an unanswered write takes effect within them, or never */
  constructor(world: World, observe: KvObserver, landsWithin: number) {
    this.#world = world;
    this.#observe = observe;
    this.#landsWithin = landsWithin;
  }

  /** Returns the last written value, whether or not readers see it yet. */
  truth(key: string): string | undefined {
    return this.#keys.get(key)?.at(-1)?.value;
  }

  /** Tells whether every reader sees a value of the key, however old the version that it is shown. */
  isShownEverywhere(key: string): boolean {
    const versions = this.#keys.get(key) ?? [];
    const shown = versions.filter((_, i) => (versions[i + 1]?.at ?? Infinity) > this.#world.now - STALE);
    return shown.length > 0 && shown.every(({ value }) => value !== undefined);
  }

  keys(prefix = ""): string[] {
    return [...this.#keys.keys()]
      .filter((key) => key.startsWith(prefix) && this.truth(key) !== undefined)
      .toSorted();
  }

  /** Changes a value without notice. */
  tamper(key: string, value: string | undefined): void {
    this.#write(key, value);
  }

  /** Returns the binding that a Worker sees. */
  binding(): KVNamespace {
    const get = (key: string | readonly string[], options?: string | { type?: string }) => {
      const json = (typeof options === "object" ? options.type : options) === "json";
      const valueOf = (text: string | undefined): unknown =>
        text === undefined ? null : json ? JSON.parse(text) : text;
      return this.#read(`KV get ${String(key)}`, () => {
        if (typeof key === "string") return valueOf(this.#seen(key)?.value);
        if (key.length > KEYS_A_GET) throw new Error(`KV GET_BULK failed: 400 ${key.length} keys`);
        return new Map(key.map((one) => [one, valueOf(this.#seen(one)?.value)]));
      });
    };
    const binding = {
      get,
      getWithMetadata: (key: string | readonly string[]) => {
        const seen = (one: string) => {
          const { value, metadata } = this.#seen(one) ?? {};
          return { value: value ?? null, metadata: metadata ?? null, cacheStatus: null };
        };
        return this.#read(`KV get ${String(key)}`, () => {
          if (typeof key === "string") return seen(key);
          if (key.length > KEYS_A_GET) throw new Error(`KV GET_BULK failed: 400 ${key.length} keys`);
          return new Map(key.map((one) => [one, seen(one)]));
        });
      },
      put: (key: string, value: string, options?: { metadata?: unknown }) =>
        this.#change(`KV put ${key}`, key, value, options?.metadata),
      delete: (key: string) => this.#change(`KV delete ${key}`, key, undefined),
      list: (options?: KVNamespaceListOptions) => this.#read("KV list", () => this.#list(options)),
    };
    return binding as unknown as KVNamespace;
  }

  #read<T>(label: string, effect: () => T): Promise<T> {
    return operation(this.#world, { label, effect, writes: false, takes: 15, failure: "KV GET failed: 500" });
  }

  #change(label: string, key: string, value: string | undefined, metadata?: unknown): Promise<void> {
    const begunAt = this.#world.now;
    return operation(this.#world, {
      label,
      effect: () => this.#put(begunAt, key, value, metadata),
      writes: true,
      takes: 60,
      failure: "KV PUT failed: 500",
      landsWithin: this.#landsWithin,
    });
  }

  #put(begunAt: number, key: string, value: string | undefined, metadata: unknown): void {
    if (this.#world.strikes("KV write late", key)) {
      this.#world.at(landsAt(this.#world, begunAt, this.#landsWithin), () =>
        this.#land(key, value, metadata),
      );
      throw new DoneLater("KV PUT failed: 500 Internal Server Error");
    }
    const last = this.#keys.get(key)?.at(-1);
    if (last !== undefined && this.#world.now - last.at < WRITE_INTERVAL && !this.#world.calm) {
      this.#world.struck("KV write limited", key);
      throw new Error("KV PUT failed: 429 Too Many Requests");
    }
    this.#land(key, value, metadata);
  }

  #land(key: string, value: string | undefined, metadata?: unknown): void {
    this.#write(key, value, metadata);
    this.#observe(key, value);
  }

  #write(key: string, value: string | undefined, metadata?: unknown): void {
    const { now } = this.#world;
    const versions = this.#keys.get(key) ?? [{ at: 0, value: undefined }];
    const firstOfUse = versions.findLastIndex(({ at }) => at <= now - STALE);
    this.#keys.set(key, [
      ...versions.slice(Math.max(0, firstOfUse)),
      { at: now, value, metadata: copyOf(metadata) },
    ]);
  }

  /** Returns the current version, or a version that was current within the last minute. */
  #seen(key: string): Version | undefined {
    const versions = this.#keys.get(key) ?? [];
    const { now, random } = this.#world;
    const visible = versions.filter((_, i) => (versions[i + 1]?.at ?? Infinity) > now - STALE);
    if (visible.length < 2 || !this.#world.strikes("KV stale read", key)) return versions.at(-1);
    return random.pick(visible.slice(0, -1));
  }

  #list({ prefix = "", limit, cursor }: KVNamespaceListOptions = {}) {
    const names = [...this.#keys.keys()]
      .filter((name) => name.startsWith(prefix ?? "") && name > (cursor ?? ""))
      .toSorted();
    const pageSize = Math.min(
      limit ?? KEYS_A_LIST,
      this.#world.calm ? KEYS_A_LIST : this.#world.random.between(3, 40),
    );
    const page = names.slice(0, pageSize);
    const keys = page.flatMap((name) => {
      const version = this.#seen(name);
      return version?.value === undefined ? [] : [{ name, metadata: version.metadata }];
    });
    return names.length > pageSize
      ? { keys, list_complete: false, cursor: page.at(-1) as string, cacheStatus: null }
      : { keys, list_complete: true, cacheStatus: null };
  }
}
