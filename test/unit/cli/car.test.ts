import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CarReader, CarWriter } from "@ipld/car";
import { exporter } from "ipfs-unixfs-exporter";
import { importBytes, importer, type ImportCandidate } from "ipfs-unixfs-importer";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ChainCar } from "../../../cli/car/read.ts";
import { writeCar, type ChainFile } from "../../../cli/car/write.ts";
import { UnverifiedChain, verifyChain } from "../../../cli/chain/verify.ts";
import { CommandFailure, EXIT } from "../../../cli/output/failure.ts";
import { blockBytes, type Block } from "../../../shared/chain/block.ts";
import { concat, utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { sha256 } from "../../../shared/crypto/hash.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { cpuMilliseconds } from "../../support/stack/cpu-time.ts";
import { asFiles, chainOf, scratch } from "./chains.ts";

/**
 * Far from the CIDs, a test changes every nth byte and cuts at every nth length. `npm run prove` tries more of them.
 */
const IS_DENSE = process.env.FAST_CHECK_RUNS !== undefined;
const SAMPLE = IS_DENSE ? 23 : 97;
const CUT_EVERY = IS_DENSE ? 101 : 307;

let chain: readonly Block[];
beforeAll(async () => {
  chain = await chainOf(3);
});

type Cid = Awaited<ReturnType<CarReader["getRoots"]>>[number];
type Part = { readonly cid: Cid; readonly bytes: Uint8Array };

/** Reads everything that the file shows a reader. @throws the error with which the reader refuses the file */
async function readAll(file: string): Promise<readonly { block: Block; bytes: Uint8Array; cid: string }[]> {
  const car = await ChainCar.open(file);
  try {
    return await Array.fromAsync(verifyChain(car.blocks()));
  } finally {
    await car.close();
  }
}

async function exported(blocks: readonly Block[] = chain): Promise<{ file: string; root: string }> {
  const file = join(scratch(), "chain.car");
  const { root } = await writeCar(file, asFiles(blocks));
  return { file, root };
}

async function refusal(file: string): Promise<CommandFailure> {
  const error: unknown = await readAll(file).then(
    () => "not refused",
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(CommandFailure);
  return error as CommandFailure;
}

describe("an exported chain", () => {
  it("holds exactly the blocks' bytes, each under the CID that the chain gives it", async () => {
    const { file, root } = await exported();
    expect(root).toMatch(/^Qm\w{44}$/);
    const read = await readAll(file);
    expect(read.map(({ block }) => block)).toEqual(chain);
    for (const [n, { bytes, cid }] of read.entries()) {
      expect(bytes).toEqual(blockBytes(chain[n] as Block));
      expect(cid).toBe(await cidV0(bytes));
    }
  });

  it("is a UnixFS directory that IPFS tools read, with a file for each block [T78]", async () => {
    const { file, root } = await exported();
    const car = await CarReader.fromBytes(readFileSync(file));
    expect((await car.getRoots()).map(String)).toEqual([root]);
    const store = {
      async *get(cid: Parameters<typeof car.get>[0]): AsyncGenerator<Uint8Array> {
        yield (await car.get(cid))?.bytes ?? new Uint8Array();
      },
    };
    for (const block of chain) {
      const entry = await exporter(`${root}/${block.blockNumber}.json`, store);
      if (entry.type !== "file") throw new Error(`${entry.type}, expected a file`);
      expect(entry.cid.toString()).toBe(await cidV0(blockBytes(block)));
      expect(concat(...(await Array.fromAsync(entry.content())))).toEqual(blockBytes(block));
    }
  });

  it("is the same file, byte for byte, each time", async () => {
    const [first, second] = [await exported(), await exported()];
    expect(readFileSync(first.file).equals(readFileSync(second.file))).toBe(true);
  });

  it("is refused when one of its bytes is another: any of its frames, and samples of what they hold [T53]", async () => {
    const { file } = await exported(chain.slice(0, 2));
    const whole = readFileSync(file);
    const frames = cidsIn(whole);
    expect(frames.length).toBeGreaterThanOrEqual(1 + 3 + 2); // header, parts, links
    const near = (at: number) => frames.some((frame) => at > frame - 12 && at < frame + 48);
    const chosen = Array.from(whole.keys()).filter((at) => near(at) || at % SAMPLE === 0);
    for (const at of chosen) {
      writeFileSync(file, whole.with(at, (whole[at] as number) ^ (1 << (at % 8))));
      const { exitCode, message } = await refusal(file);
      expect(exitCode, `byte ${at}: ${message}`).toBe(EXIT.unverified);
    }
    writeFileSync(file, whole);
    expect(await readAll(file)).toHaveLength(2);
  });

  it("is refused when it is cut off, wherever", async () => {
    const { file } = await exported();
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; length += CUT_EVERY) {
      writeFileSync(file, whole.subarray(0, length));
      expect((await refusal(file)).exitCode, `${length} bytes`).toBe(EXIT.unverified);
    }
  });

  it("can be read again and again, and gives the same", async () => {
    const car = await ChainCar.open((await exported()).file);
    const [first, second] = [await Array.fromAsync(car.blocks()), await Array.fromAsync(car.blocks())];
    expect(second).toEqual(first);
    expect(car.count).toBe(3);
    await car.close();
  });

  it("is a directory that IPFS splits when it is long", async () => {
    const car = await ChainCar.open(await carOf([fileOf(0), fileOf(1), fileOf(2)], { split: true }));
    expect(car.count).toBe(3);
    const bytes = (await Array.fromAsync(car.blocks())).map((block) => block.bytes);
    expect(bytes).toEqual(chain.map(blockBytes));
    await car.close();
  });
});

/** Returns the CIDv1 of the same codec and multihash, or of codec raw. */
function asV1(cid: Cid, codec: "dag-pb" | "raw" = "dag-pb"): Cid {
  if (codec === "dag-pb") return cid.toV1();
  const raw = Uint8Array.from(cid.toV1().bytes).with(1, 0x55);
  return (cid.constructor as unknown as { decode(bytes: Uint8Array): Cid }).decode(raw);
}

describe("an exported chain in the CAR file of another tool", () => {
  const variants: [
    what: string,
    change: (root: Cid, parts: readonly Part[]) => { root: Cid; parts: readonly Part[] },
  ][] = [
    ["whose root comes first", (root, parts) => ({ root, parts: parts.toReversed() })],
    [
      "whose root is CIDv1",
      (root, parts) => ({
        root: asV1(root),
        parts: parts.map(({ cid, bytes }) => ({ cid: cid.equals(root) ? asV1(cid) : cid, bytes })),
      }),
    ],
    [
      "whose parts are CIDv1 and whose root is CIDv0",
      (root, parts) => ({ root, parts: parts.map(({ cid, bytes }) => ({ cid: asV1(cid), bytes })) }),
    ],
    [
      "whose parts and root are CIDv1",
      (root, parts) => ({
        root: asV1(root),
        parts: parts.map(({ cid, bytes }) => ({ cid: asV1(cid), bytes })),
      }),
    ],
    [
      "whose parts are CIDv1 of codec raw",
      (root, parts) => ({ root, parts: parts.map(({ cid, bytes }) => ({ cid: asV1(cid, "raw"), bytes })) }),
    ],
  ];
  it.for(variants)("%s is read", async ([, change]) => {
    const { file } = await exported();
    const car = await CarReader.fromBytes(readFileSync(file));
    const [root] = await car.getRoots();
    const changed = change(root as Cid, await Array.fromAsync(car.blocks()));
    const { writer, out } = CarWriter.create([changed.root]);
    const chunks = Array.fromAsync(out);
    for (const part of changed.parts) await writer.put(part);
    await writer.close();
    writeFileSync(file, Buffer.concat(await chunks));
    const read = await readAll(file);
    expect(read.map(({ block }) => block)).toEqual(chain);
    expect(read.map(({ cid }) => cid)).toEqual(
      await Promise.all(chain.map((block) => cidV0(blockBytes(block)))),
    );
  });

  it("is read when zeros follow its end", async () => {
    const { file } = await exported();
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.alloc(100_000)]));
    expect(await readAll(file)).toHaveLength(3);
  });

  it("is refused when anything else follows its end, and the place is named", async () => {
    const { file } = await exported();
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([whole, Buffer.alloc(100_000), Buffer.from("x")]));
    const { exitCode, message } = await refusal(file);
    expect({ exitCode, message }).toMatchObject({
      exitCode: EXIT.unverified,
      message: expect.stringContaining(`after byte ${whole.length}`),
    });
  });
});

/** Returns the places of CIDs. A SHA-256 multihash begins with its code and its length. */
function cidsIn(bytes: Uint8Array): readonly number[] {
  return Array.from(bytes.keys()).filter((at) => bytes[at] === 0x12 && bytes[at + 1] === 0x20);
}

async function* failingAfterOne(): AsyncGenerator<ChainFile> {
  yield* asFiles(chain.slice(0, 1));
  throw new UnverifiedChain(1, "wrong_hash", "as a test has it");
}

describe("writing an export", () => {
  it("leaves nothing behind when a block turns out to be wrong", async () => {
    const directory = scratch();
    await expect(writeCar(join(directory, "chain.car"), failingAfterOne())).rejects.toThrow(UnverifiedChain);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves the file that was there before as it was, until the new one is whole", async () => {
    const { file } = await exported();
    const before = readFileSync(file);
    await expect(writeCar(file, failingAfterOne())).rejects.toThrow(UnverifiedChain);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("refuses a chain without a block", async () => {
    const directory = scratch();
    await expect(writeCar(join(directory, "chain.car"), asFiles([]))).rejects.toThrow("no block");
    expect(readdirSync(directory)).toEqual([]);
  });
});

async function strayCid(): Promise<unknown> {
  const nowhere = { put: async (cid: never) => cid };
  return (await importBytes(utf8("bytes of no block"), nowhere, { profile: "unixfs-v0-2015" })).cid;
}

/** Makes a CAR file as another program might. */
async function carOf(
  candidates: readonly ImportCandidate[],
  {
    roots = 1,
    stray,
    split = false,
  }: { readonly roots?: number; readonly stray?: Uint8Array; readonly split?: boolean } = {},
): Promise<string> {
  const parts: { cid: Parameters<typeof CarWriter.create>[0]; bytes: Uint8Array }[] = [];
  const store = {
    async put(cid: never, bytes: unknown) {
      parts.push({ cid, bytes: bytes as Uint8Array });
      return cid;
    },
  };
  const wrapWithDirectory = true;
  const made = await Array.fromAsync(
    importer(candidates, store, {
      profile: "unixfs-v0-2015",
      wrapWithDirectory,
      ...(split && { shardSplitThresholdBytes: 0 }),
    }),
  );
  const root = made.at(-1)?.cid;
  if (root === undefined) throw new Error("nothing to import");
  const { writer, out } = CarWriter.create(Array.from({ length: roots }, () => root));
  const file = join(scratch(), "other.car");
  const [chunks] = await Promise.all([Array.fromAsync(out), write()]);
  writeFileSync(file, Buffer.concat(chunks));
  return file;

  async function write(): Promise<void> {
    for (const part of parts) await writer.put(part as never);
    if (stray !== undefined) await writer.put({ cid: (await strayCid()) as never, bytes: stray });
    await writer.close();
  }
}

function fileOf(n: number, path = `${n}.json`): ImportCandidate {
  return { path, content: blockBytes(chain[n] as Block) };
}

describe("reading a CAR file that is no exported chain", () => {
  const cases: [what: string, candidates: () => ImportCandidate[], why: RegExp][] = [
    [
      "a file of another name",
      () => [fileOf(0), { path: "readme.txt", content: utf8("hello") }],
      /readme\.txt/,
    ],
    ["a number in another spelling", () => [fileOf(0), fileOf(1, "01.json")], /01\.json/],
    ["a gap", () => [fileOf(0), fileOf(2)], /no block 1/],
    ["a directory in place of a block", () => [fileOf(0), fileOf(1, "1.json/1.json")], /is no file/],
    [
      "blocks in each other's place",
      () => [fileOf(0), fileOf(1, "2.json"), fileOf(2, "1.json")],
      /block 1 .*wrong_place/,
    ],
    [
      "what is not JSON",
      () => [fileOf(0), { path: "1.json", content: utf8("not a block") }],
      /block 1 .*not_a_block/,
    ],
  ];
  it.for(cases)("refuses %s, and says why", async ([, candidates, why]) => {
    const { exitCode, message } = await refusal(await carOf(candidates()));
    expect(message).toMatch(why);
    expect(exitCode).toBe(EXIT.unverified);
  });

  it("refuses two roots", async () => {
    expect((await refusal(await carOf([fileOf(0)], { roots: 2 }))).message).toContain("one root");
  });

  it("refuses a part that nothing points to, and that is not what its CID says", async () => {
    const other = utf8("other bytes than those");
    expect((await refusal(await carOf([fileOf(0)], { stray: other }))).message).toContain("are not those");
  });

  it("refuses something else altogether", async () => {
    const file = join(scratch(), "x.car");
    writeFileSync(file, "this is not a CAR file");
    const { exitCode, message } = await refusal(file);
    expect(exitCode).toBe(EXIT.unverified);
    expect(message).toContain("it does not begin as a CAR file does");
  });

  it("refuses an export that was written as UTF-16 text", async () => {
    const file = join(scratch(), "x.car");
    writeFileSync(file, "\uFEFFsome export", "utf16le");
    const { exitCode, message } = await refusal(file);
    expect(exitCode).toBe(EXIT.unverified);
    expect(message).toContain("UTF-16");
  });

  it("refuses a file that ends in the middle of a part, in our own words", async () => {
    const { file } = await exported();
    writeFileSync(file, readFileSync(file).subarray(0, -10));
    expect((await refusal(file)).message).toMatch(/is not a sound CAR file of a chain: it is cut off: Qm/);
  });

  it("refuses any bytes, alone and behind an export, in our own words", async () => {
    const { file } = await exported();
    const whole = readFileSync(file);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (bytes, behind) => {
        fc.pre(bytes.some((byte) => byte !== 0));
        writeFileSync(file, behind ? Buffer.concat([whole, bytes]) : bytes);
        const { exitCode, message } = await refusal(file);
        expect(exitCode).toBe(EXIT.unverified);
        expect(message).toMatch(
          /: (?:it (?:is cut off|is UTF-16|does not begin)|the bytes of|\w+ (?:is no SHA|can't have))/,
        );
      }),
      { numRuns: runs(50) },
    );
  });

  it("reports a file that is not there as not found", async () => {
    expect((await refusal(join(scratch(), "nowhere.car"))).exitCode).toBe(EXIT.notFound);
  });

  it.for([
    ["says so", 1],
    ["says that it holds less", 174 ** 4],
  ] as const)("a file of a few hundred kilobytes that holds terabytes, and %s", async ([, less]) => {
    const leaf = dagPb([], unixfs(2, new Uint8Array(262_144)));
    const nodes = [leaf];
    let bytes = 262_144 / less;
    for (let level = 0; level < 4; level++) {
      const links = Array.from({ length: 174 }, () => ({ to: nodes.at(-1) as Uint8Array, name: "" }));
      nodes.push(
        dagPb(
          links,
          unixfs(
            2,
            undefined,
            Array.from(links, () => bytes),
          ),
        ),
      );
      bytes *= 174;
    }
    nodes.push(dagPb([{ to: nodes.at(-1) as Uint8Array, name: "0.json" }], unixfs(1)));
    const file = await carFile(nodes);
    let refused: CommandFailure | undefined;
    const spent = await cpuMilliseconds(async () => (refused = await refusal(file)));
    const { exitCode, message } = refused as CommandFailure;
    expect(message).toMatch(less === 1 ? /larger than any block/ : /more levels than any block/);
    expect(exitCode).toBe(EXIT.unverified);
    expect(spent).toBeLessThan(10_000);
  });

  it("refuses a directory that says it holds one file without end", async () => {
    const file = dagPb([], unixfs(2, utf8("{}")));
    const links = Array.from({ length: 10_000 }, () => ({ to: file, name: "0.json" }));
    const { message } = await refusal(await carFile([file, dagPb(links, unixfs(1))]));
    expect(message).toContain("more entries than the file has parts");
  });
});

/** Encodes a message of Protocol Buffers from its fields: bytes or a varint. */
function protobuf(...fields: (readonly [field: number, value: Uint8Array | number])[]): Uint8Array {
  return concat(
    ...fields.map(([field, value]) =>
      typeof value === "number"
        ? Uint8Array.from([field << 3, ...varint(value)])
        : concat(Uint8Array.from([(field << 3) | 2, ...varint(value.length)]), value),
    ),
  );
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

/** Encodes UnixFS's Data message. @param type 1: directory, 2: file */
function unixfs(type: number, data?: Uint8Array, sizes: readonly number[] = []): Uint8Array {
  const total = data?.length ?? sizes.reduce((sum, size) => sum + size, 0);
  return protobuf(
    [1, type],
    ...(data === undefined ? [] : [[2, data] as const]),
    ...(type === 2 ? [[3, total] as const] : []),
    ...sizes.map((size) => [4, size] as const),
  );
}

function dagPb(links: readonly { to: Uint8Array; name: string }[], data: Uint8Array): Uint8Array {
  const cids = new Map<Uint8Array, Uint8Array>();
  const cidOf = (node: Uint8Array) => {
    const known = cids.get(node) ?? multihash(node);
    cids.set(node, known);
    return known;
  };
  const all = links.map(({ to, name }) => [2, protobuf([1, cidOf(to)], [2, utf8(name)], [3, 1])] as const);
  return protobuf(...all, [1, data]);
}

/** Returns a CIDv0 as bytes. */
function multihash(node: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x12, 0x20), sha256(node));
}

const framed = (bytes: Uint8Array) => concat(Uint8Array.from(varint(bytes.length)), bytes);

/** Writes a CARv1 of these nodes. The last node is the root. */
async function carFile(nodes: readonly Uint8Array[]): Promise<string> {
  const root = concat(Uint8Array.of(0), multihash(nodes.at(-1) as Uint8Array));
  // DAG-CBOR: {"roots": [42(h'00…')], "version": 1}
  const header = concat(
    Uint8Array.of(0xa2, 0x65),
    utf8("roots"),
    Uint8Array.of(0x81, 0xd8, 0x2a, 0x58, root.length),
    root,
    Uint8Array.of(0x67),
    utf8("version"),
    Uint8Array.of(0x01),
  );
  const file = join(scratch(), "bomb.car");
  writeFileSync(file, concat(framed(header), ...nodes.map((node) => framed(concat(multihash(node), node)))));
  return file;
}
