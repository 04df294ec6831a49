import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { removeDurably, writeDurably } from "./durable.ts";
import { Pin, newPin } from "./pin.ts";
import type { PinDraft } from "./pin.ts";

/**
 * Pinned files on disk: `files/{cid}` holds the bytes, `pins/{cid}.json` the record, of which memory holds a copy.
 * A file is pinned if and only if its record exists: bytes are written before it and removed after it.
 */
export class PinStore {
  readonly #dir: string;
  readonly #pins = new Map<string, Pin>();
  #lastCreated = 0;
  #writes: Promise<unknown> = Promise.resolve();

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async open(dir: string): Promise<PinStore> {
    const store = new PinStore(dir);
    await rm(join(dir, "temporary"), { recursive: true, force: true }); // remains of writes that a crash interrupted
    for (const name of ["temporary", "files", "pins"]) await mkdir(join(dir, name), { recursive: true });
    for (const name of await readdir(join(dir, "pins"))) {
      const pin = v.parse(Pin, JSON.parse(await readFile(join(dir, "pins", name), "utf8")));
      store.#pins.set(pin.cid, pin);
      store.#lastCreated = Math.max(store.#lastCreated, Date.parse(pin.created_at));
    }
    return store;
  }

  /**
   * Stores a file. It is durable when this resolves. The same CID again returns the existing record, and repairs a
   * damaged file.
   */
  put(bytes: Uint8Array, draft: PinDraft): Promise<{ pin: Pin; isDuplicate: boolean }> {
    return this.#inTurn(async () => {
      const known = this.#pins.get(draft.cid);
      if (known !== undefined) {
        const held = await this.bytes(known.cid);
        if (held === undefined || Buffer.compare(held, bytes) !== 0) await this.#write(known.cid, bytes);
        return { pin: known, isDuplicate: true };
      }
      // Each pin has a time of its own: `created_at` orders the list, and a page continues after such a time.
      this.#lastCreated = Math.max(Date.now(), this.#lastCreated + 1);
      const pin = newPin(draft, new Date(this.#lastCreated));
      await this.#write(pin.cid, bytes);
      await writeDurably(
        this.#record(pin.cid),
        Buffer.from(JSON.stringify(pin)),
        join(this.#dir, "temporary"),
      );
      this.#pins.set(pin.cid, pin);
      return { pin, isDuplicate: false };
    });
  }

  find(cid: string): Pin | undefined {
    return this.#pins.get(cid);
  }

  get(id: string): Pin | undefined {
    return this.all().find((pin) => pin.id === id);
  }

  /** All pins, in no particular order. */
  all(): Pin[] {
    return [...this.#pins.values()];
  }

  /** @returns the file's bytes, or undefined when the file is missing */
  async bytes(cid: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#pins.has(cid)) return undefined;
    try {
      return new Uint8Array(await readFile(this.#file(cid)));
    } catch (error) {
      // The file was deleted meanwhile, or removed from the disk: it counts as missing, as a gateway would answer.
      if (!this.#pins.has(cid) || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** @returns whether the pin existed */
  delete(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const pin = this.get(id);
      if (pin === undefined) return false;
      await removeDurably(this.#record(pin.cid));
      this.#pins.delete(pin.cid);
      await rm(this.#file(pin.cid), { force: true });
      return true;
    });
  }

  #write(cid: string, bytes: Uint8Array): Promise<void> {
    return writeDurably(this.#file(cid), bytes, join(this.#dir, "temporary"));
  }

  #file(cid: string): string {
    return join(this.#dir, "files", cid);
  }

  #record(cid: string): string {
    return join(this.#dir, "pins", `${cid}.json`);
  }

  /** Runs writes one after the other. A failed write does not fail the next. */
  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#writes.then(write);
    this.#writes = turn.catch(() => undefined);
    return turn;
  }
}
