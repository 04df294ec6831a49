import { describe, expect, it } from "vitest";
import type { Log } from "../../../../shared/runtime/log.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { pendingMetadata, readPending } from "../../../../shared/storage/pending.ts";
import { erase } from "../../../../workers/chain-head/decisions/erase.ts";
import { movedIn } from "../../../../workers/chain-head/reads/blocks.ts";
import { noteMoved } from "../../../../workers/chain-head/decisions/set-aside.ts";
import { noteSwept, sweepPlaces, type SweepPlaces } from "../../../../workers/chain-head/decisions/sweep.ts";
import type { Env } from "../../../../workers/miner/env.ts";
import { sweepPending } from "../../../../workers/miner/sweep.ts";
import type { AdmissionRequest } from "../../../../workers/chain-head/decisions/admit.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { listed } from "../../../support/stack/memory-bucket.ts";

const SILENT: Log = { info() {}, warn() {}, error() {}, with: () => SILENT };

class Crash extends Error {}

/** The sweep over an R2 in memory and the real chain head. It can die before or after each step outside. */
class World {
  readonly head = new TestHead().begun();
  readonly objects = new Map<
    string,
    { text: string; customMetadata: Record<string, string>; uploaded: Date }
  >();
  readonly done: string[] = [];
  /** Dies after this many steps: before the next step happens, or before the sweep hears that it happened. */
  crash: { after: number; isDone: boolean } | undefined;
  /** Runs before the step of this number. */
  meanwhile: { step: number; happens: () => void } | undefined;
  #steps = 0;
  #writes = 0;

  readonly #bucket = {
    list: (options: R2ListOptions) =>
      this.#step("list", () => {
        const { objects, truncated } = listed(this.objects, options);
        return { objects: objects.map((object) => ({ ...object, size: object.text.length })), truncated };
      }),
    get: (key: string) =>
      this.#step("get", () => {
        const object = this.objects.get(key);
        if (object === undefined) return null;
        const { text, customMetadata } = object;
        return { customMetadata, arrayBuffer: async () => new TextEncoder().encode(text).buffer };
      }),
    put: (key: string, bytes: Uint8Array, { customMetadata }: { customMetadata: Record<string, string> }) =>
      this.#step("put", () => {
        if (this.objects.has(key)) return null;
        this.objects.set(key, {
          text: new TextDecoder().decode(bytes),
          customMetadata,
          uploaded: new Date(++this.#writes),
        });
        return {};
      }),
    delete: (keys: string[]) =>
      this.#step("delete", () => {
        for (const key of keys) this.objects.delete(key);
      }),
  };

  readonly env = {
    CHAIN_ID: "vdc-test",
    R2: this.#bucket,
    CHAIN_HEAD: {
      getByName: () => ({
        admit: (entries: AdmissionRequest[]) => this.#step("admit", () => this.head.admitEntries(entries)),
        noteMoved: (ids: string[]) => this.#step("noteMoved", () => noteMoved(this.head.sql, ids)),
        sweepPlaces: () => this.#step("sweepPlaces", () => sweepPlaces(this.head.sql)),
        noteSwept: (folder: keyof SweepPlaces, through: string | null) =>
          this.#step("noteSwept", () => noteSwept(this.head.sql, folder, through)),
      }),
    },
  } as unknown as Env;

  async #step<T>(name: string, work: () => T): Promise<T> {
    const step = ++this.#steps;
    this.done.push(name);
    if (this.meanwhile?.step === step) this.meanwhile.happens();
    const dies = this.crash !== undefined && step > this.crash.after;
    if (dies && !this.crash?.isDone) throw new Crash();
    const result = work();
    if (dies) throw new Crash();
    return result;
  }

  write(key: string, text: string, timestamp = 1): void {
    const uploaded = new Date(++this.#writes);
    this.objects.set(key, { text, customMetadata: pendingMetadata({ timestamp, size: 500 }), uploaded });
  }

  async sweep(): Promise<string[]> {
    this.#steps = 0;
    this.done.length = 0;
    await sweepPending(this.env, SILENT).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    return this.done;
  }

  /** Sets a transaction aside, and leaves its object in `pending/`. */
  setAside(n: number): void {
    this.write(r2Keys.pending(txId(n)), `envelope ${n}`);
    this.head.admit(n);
    this.head.requestMining();
    this.head.setAside(this.head.reserved().blockNumber, n);
    this.head.park();
  }

  /** Reads a transaction of the open reservation as a miner does. */
  async envelope(n: number): Promise<string | undefined> {
    const isMoved = this.head.reserved().moved.includes(txId(n));
    const bytes = await readPending(this.env.R2, txId(n), isMoved);
    return bytes && new TextDecoder().decode(bytes);
  }

  keys = () => [...this.objects.keys()].toSorted();
}

describe("the sweep of pending/", () => {
  it("admits what a chain head that lost its storage does not know in the order in which it was written", async () => {
    const world = new World();
    for (const n of [9, 4, 7]) world.write(r2Keys.pending(txId(n)), `envelope ${n}`);
    await world.sweep();
    expect(world.head.pendingPage(null, 10).map((one) => one.txId)).toEqual([9, 4, 7].map(txId));
  });

  it("lists 1,000 objects a minute, goes on where it stopped, and begins anew at the end", async () => {
    const world = new World();
    for (let n = 1; n <= 2_500; n++) world.write(r2Keys.pending(txId(n)), `envelope ${n}`);
    const waiting = async () => {
      const done = await world.sweep();
      expect(done.filter((step) => step === "list")).toHaveLength(2);
      expect(done.filter((step) => step === "admit").length).toBeLessThanOrEqual(2);
      return world.head.counts().waiting;
    };
    expect([await waiting(), await waiting(), await waiting()]).toEqual([1_000, 2_000, 2_500]);
    world.write(r2Keys.pending(txId(0)), "left over from block 1");
    expect(await waiting()).toBe(2_500);
    expect(world.objects.has(r2Keys.pending(txId(0)))).toBe(false);
  });

  it("moves a set-aside transaction's object to set-aside/, as it is", async () => {
    const world = new World();
    world.setAside(1);
    const before = world.objects.get(r2Keys.pending(txId(1)));
    await world.sweep();
    expect(world.keys()).toEqual([r2Keys.setAside(txId(1))]);
    expect({ ...world.objects.get(r2Keys.setAside(txId(1))), uploaded: before?.uploaded }).toEqual(before);
    expect(await world.sweep()).not.toContain("put");
  });

  it("deletes the object of a user's refused submission, and moves nothing of it", async () => {
    const world = new World();
    world.write(r2Keys.pending(txId(1)), "envelope 1");
    world.head.admit(1);
    world.head.requestMining();
    world.head.refuse(world.head.reserved().blockNumber, 1);
    await world.sweep();
    expect(world.keys()).toEqual([]);
    expect(world.head.transaction(1)?.state).toBe("set_aside");
  });

  it("tells the chain head what a transaction grants, as its object says", async () => {
    const world = new World();
    const grants = "9".repeat(64);
    const customMetadata = pendingMetadata({ timestamp: 1, size: 500, grants });
    world.objects.set(r2Keys.pending(txId(1)), { text: "envelope 1", customMetadata, uploaded: new Date(1) });
    await world.sweep();
    expect(world.head.outlook(9, {}, [grants]).pendingGrants).toEqual([grants]);
  });

  it("moves no more than 200 a minute", async () => {
    const world = new World();
    for (let n = 1; n <= 300; n++) world.setAside(n);
    expect((await world.sweep()).filter((step) => step === "put")).toHaveLength(200);
    await world.sweep();
    expect(world.keys().filter((key) => key.startsWith(r2Keys.pendingPrefix))).toEqual([]);
  });

  it("loses nothing when it dies at any step, and the next minute finishes the move", async () => {
    for (const isDone of [false, true])
      for (let after = 0; after < 12; after++) {
        const world = new World();
        world.setAside(1);
        world.crash = { after, isDone };
        await world.sweep();
        expect(world.keys().length, `step ${after}`).toBeGreaterThan(0);
        world.crash = undefined;
        world.head.readmit(1);
        world.head.requestMining();
        expect(await world.envelope(1), `step ${after}`).toBe("envelope 1");
        world.head.setAside(world.head.reserved().blockNumber, 1);
        await world.sweep();
        await world.sweep();
        expect(world.keys(), `step ${after}`).toEqual([r2Keys.setAside(txId(1))]);
      }
  });

  it("keeps the envelope that is mined when a replay comes at any step of the move, and a late repeat after it", async () => {
    for (let step = 1; step <= 9; step++) {
      const world = new World();
      world.setAside(1);
      world.meanwhile = {
        step,
        happens: () => {
          world.head.readmit(1);
          world.head.requestMining();
          world.head.reserve();
        },
      };
      await world.sweep();
      world.meanwhile = undefined;
      const reservation = world.head.reserved();
      expect(reservation.transactions, `step ${step}`).toEqual([txId(1)]);
      const mined = await world.envelope(1);
      const pending = r2Keys.pending(txId(1));
      if (!world.objects.has(pending)) world.write(pending, "another envelope");
      await world.sweep();
      world.head.seal(reservation);
      const isMoved = movedIn(world.head.sql, reservation.blockNumber).includes(txId(1));
      const archived = await readPending(world.env.R2, txId(1), isMoved);
      expect(mined, `step ${step}`).toBe("envelope 1");
      expect(new TextDecoder().decode(archived), `step ${step}`).toBe(mined);
    }
  });

  it("clears both places once the block is complete, or the transaction is erased", async () => {
    const world = new World();
    world.setAside(1);
    await world.sweep();
    world.head.readmit(1);
    world.head.mineAll();
    world.write(r2Keys.pending(txId(1)), "a late repeat");
    world.setAside(2);
    await world.sweep();
    expect(world.keys()).toEqual([r2Keys.setAside(txId(2))]);
    erase(world.head.sql, txId(2), false, world.head.now);
    await world.sweep();
    expect(world.keys()).toEqual([]);
  });

  it("admits what is in set-aside/ when the chain head has lost its storage", async () => {
    const world = new World();
    world.write(r2Keys.setAside(txId(7)), "envelope 7");
    await world.sweep();
    world.head.requestMining();
    expect(world.head.reserved().transactions).toEqual([txId(7)]);
    expect(await world.envelope(7)).toBe("envelope 7");
  });
});
