import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeAssetRecords } from "../../../../shared/operations/block-index.ts";
import { kvKeys } from "../../../../shared/storage/layout.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";

const KEY = kvKeys.asset("deed");
const LANDS = 90; // seconds

let head: TestHead;
/** The highest block with a transaction about the asset, as the chain head knows it. */
let lastBlock: number;
let kv: Map<string, { vdcBlockNumber: number; colour?: string }>;
/** The stale contents that KV shows, because its caches are up to a minute old. */
let shown: typeof kv | undefined;
/** Milliseconds that a put takes. */
let putTakes: number;
/** Puts fail, and may still take effect later. */
let failing: boolean;
let inFlight: (() => void)[];

const KV = {
  get: async (keys: string[]) => new Map(keys.map((key) => [key, (shown ?? kv).get(key) ?? null])),
  put: async (key: string, value: string) => {
    const land = () => void kv.set(key, JSON.parse(value));
    vi.setSystemTime(Date.now() + putTakes);
    if (!failing) return land();
    inFlight.push(land);
    throw new Error("Network connection lost.");
  },
};

const chainHead = {
  assets: async (assetIds: string[]) => ({
    asOf: 9,
    assets: assetIds.map((assetId) => ({ assetId, createdBy: null, owner: null, lastBlock })),
  }),
  beginAssetWrites: async (token: string) => head.beginAssetWrites(token),
  endAssetWrites: async (token: string) => head.endAssetWrites(token),
};

const env = { CHAIN_ID: "test", CHAIN_HEAD: { getByName: () => chainHead }, KV } as never;
const write = () => writeAssetRecords(["deed"], env);

beforeEach(() => {
  head = new TestHead({ writeLandsWithinSeconds: LANDS }).begun();
  lastBlock = 1;
  kv = new Map();
  shown = undefined;
  failing = false;
  inFlight = [];
  putTakes = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("the record of an asset", () => {
  it("names its last block in the end, though a write that was not answered lands late", async () => {
    failing = true;
    await expect(write()).rejects.toThrow("connection lost");
    failing = false;
    lastBlock = 2;
    await expect(write(), "of the next block").rejects.toMatchObject({ seconds: 2 * LANDS });
    for (const land of inFlight) land();
    head.pass(2 * LANDS);
    await write();
    await write();
    expect(kv.get(KEY)).toMatchObject({ vdcBlockNumber: 2 });
  });

  it("is written whatever KV shows, for that may be older than what KV holds", async () => {
    lastBlock = 2;
    shown = new Map([[KEY, { vdcBlockNumber: 2 }]]);
    kv.set(KEY, { vdcBlockNumber: 1 });
    await write();
    expect(kv.get(KEY)).toMatchObject({ vdcBlockNumber: 2 });
  });

  it("keeps its other fields, and a later block than the one that the chain head names", async () => {
    kv.set(KEY, { vdcBlockNumber: 0, colour: "red" });
    await write();
    expect(kv.get(KEY)).toMatchObject({ vdcBlockNumber: 1, colour: "red" });
    kv.set(KEY, { vdcBlockNumber: 5 });
    await write();
    expect(kv.get(KEY)).toEqual({ vdcBlockNumber: 5 });
  });

  it("is mended when it names a block that was never sealed", async () => {
    kv.set(KEY, { vdcBlockNumber: 999 });
    await write();
    expect(kv.get(KEY)).toMatchObject({ vdcBlockNumber: 1 });
  });

  it("is written with those of hundreds of other assets, though KV takes longer for all than a Worker may write", async () => {
    putTakes = 500;
    const assetIds = Array.from({ length: 400 }, (_, i) => `deed-${i}`);
    await writeAssetRecords(assetIds, env);
    expect(kv.size).toBe(400);
    expect(head.beginAssetWrites("another")).toEqual({ mayWriteFor: LANDS * 1_000 });
  });
});

describe("the chain head, asked by Workers that write records of assets,", () => {
  it("lets one Worker at a time write them, until it has ended, and the same Worker again when its answer was lost", () => {
    const mayWriteFor = LANDS * 1_000;
    expect(head.beginAssetWrites("one")).toEqual({ mayWriteFor });
    expect(head.beginAssetWrites("one")).toEqual({ mayWriteFor });
    expect(head.beginAssetWrites("two")).toEqual({ waitSeconds: 2 * LANDS });
    head.endAssetWrites("two");
    expect(head.beginAssetWrites("two")).toEqual({ waitSeconds: 2 * LANDS });
    head.endAssetWrites("one");
    expect(head.beginAssetWrites("two")).toEqual({ mayWriteFor });
  });

  it("lets no Worker write them after a restore before the writes of an earlier life have landed", () => {
    const lost = new TestHead({ writeLandsWithinSeconds: LANDS }, { archive: true, kv: true });
    expect(lost.beginAssetWrites("one")).toEqual({ waitSeconds: 2 * LANDS });
    lost.beginRestore();
    lost.endRestore({ publishedThrough: -1, staged: [] });
    expect(lost.beginAssetWrites("one")).toEqual({ waitSeconds: 2 * LANDS });
    lost.pass(2 * LANDS);
    expect(lost.beginAssetWrites("one")).toEqual({ mayWriteFor: LANDS * 1_000 });
  });
});
