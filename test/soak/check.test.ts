import { describe, expect, it } from "vitest";
import { blockBytes, type Block } from "../../shared/chain/block.ts";
import type { Transaction } from "../../shared/chain/transaction.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { contents, genesis, payment, signerOf, TestChain } from "../support/chain.ts";
import { violationsOf, type DeadLetter } from "./check.ts";
import type { Expected } from "./orders.ts";
import type { Stored, StoredBlock } from "./stored.ts";

const system = await signerOf("system");
const [first, second, third] = [payment("first"), payment("second"), payment("third")];
const deed = contents({ type: "asset_creation", data: { assetId: "deed-1" } });
const late: Transaction = { ...deed, id: payment("late").id };
const TOO_LATE: DeadLetter = { txId: late.id, stage: "miner", reason: "asset_exists", error: "taken" };

/** The expected results of a sound run: two payments, an asset, and a user who claimed it too late. */
const EXPECTED = new Map<string, Expected>([
  [first.id, { type: "payment" }],
  [second.id, { type: "payment" }],
  [deed.id, { type: "asset_creation", assetId: "deed-1" }],
  [late.id, { type: "asset_creation", assetId: "deed-1" }],
]);

async function stored(mined: readonly (readonly Transaction[])[]): Promise<Stored> {
  const chain = new TestChain();
  for (const transactions of [[genesis(system)], ...mined]) await chain.add(transactions, system);
  const last = chain.blocks.at(-1) as Block;
  return {
    latest: { blockNumber: last.blockNumber, hash: last.hash },
    pendingCount: "0",
    blocks: await Promise.all(chain.blocks.map(everywhere)),
    index: new Map(
      chain.blocks.flatMap(({ blockNumber, transactions }) =>
        transactions.map(({ id }, index) => [id, { blockNumber, index }] as const),
      ),
    ),
    leftovers: [r2Keys.pending(late.id)],
    deadLetters: ["dead-letters/miner/1.json"],
  };
}

async function everywhere(block: Block): Promise<StoredBlock> {
  const bytes = blockBytes(block);
  return { r2: bytes, ipfs: bytes, kv: { ...block, ipfsHash: await cidV0(bytes) } };
}

const SOUND = [[first, deed], [second]];
const sound = await stored(SOUND);
const check = async (change: Partial<Stored>, mined = SOUND) =>
  violationsOf({ ...(mined === SOUND ? sound : await stored(mined)), ...change }, EXPECTED, [TOO_LATE]);
const withBlock = (n: number, change: Partial<StoredBlock>) =>
  check({ blocks: sound.blocks.map((block, i) => (i === n ? { ...block, ...change } : block)) });

describe("the check after a soak", () => {
  it("finds nothing when all is as it was promised", async () => {
    expect(await check({})).toEqual([]);
  });

  it("finds a payment that is lost", async () => {
    expect(await check({}, [[first, deed]])).toEqual([
      `${second.id} is lost: in no block, and not set aside`,
    ]);
  });

  it("finds a payment that is mined twice, in two blocks or in one", async () => {
    for (const mined of [
      [[first, deed], [second], [first]],
      [
        [first, deed],
        [second, first],
      ],
    ])
      expect((await check({}, mined)).join("\n")).toContain(`${first.id} is mined 2 times`);
    expect((await check({}, [[first, first, deed], [second]])).join("\n")).toContain("mined 2 times");
  });

  it("finds what nobody sent", async () => {
    expect(await check({}, [...SOUND, [third]])).toEqual([`${third.id} is in block 3, and nobody sent it`]);
  });

  it("finds a transaction that is mined as something else", async () => {
    const refund: Transaction = { ...second, type: "refund", data: { refunds: first.id } };
    expect(await check({}, [[first, deed], [refund]])).toEqual([
      `${second.id} is mined as refund, not as payment`,
    ]);
  });

  it("finds an asset that is created twice, or by nobody", async () => {
    expect(
      (
        await check({}, [
          [first, deed],
          [second, late],
        ])
      ).join("\n"),
    ).toContain("is mined, and set aside");
    expect(await check({}, [[first], [second]])).toContain("nobody created deed-1");
  });

  it("finds a copy that is missing or differs, in each tier", async () => {
    const { blocks } = sound;
    const [other] = blocks;
    expect(await withBlock(1, { r2: undefined })).toContain("block 1: Error: R2 does not hold it");
    expect(await withBlock(1, { kv: undefined })).toContain("block 1: Error: KV does not hold it");
    expect(await withBlock(1, { ipfs: undefined })).toContain("block 1: Error: IPFS does not hold it");
    expect(await withBlock(2, { ipfs: other?.ipfs })).toContain("block 2: Error: IPFS and R2 differ");
    expect(await withBlock(2, { kv: other?.kv })).toContain("block 2: Error: KV and R2 differ");
    expect((await withBlock(2, { kv: { ...blocks[2]?.kv, ipfsHash: "Qm" } })).join("\n")).toContain(
      "KV says that it is Qm",
    );
  });

  it("finds a chain that does not hold together", async () => {
    const { blocks } = sound;
    const swapped = blocks.map((_, i) => blocks[[0, 2, 1][i] ?? 0] as StoredBlock);
    const found = (await check({ blocks: swapped })).join("\n");
    expect(found).toContain("the chain does not verify at block 1");
    expect(found).toContain("the independent verifier");
  });

  it("finds a latest block that is not the last, and a count that is not 0", async () => {
    expect((await check({ latest: { blockNumber: 1, hash: "0" } })).join("\n")).toContain("vdc:latest");
    expect(await check({ latest: null })).toHaveLength(1);
    expect(await check({ pendingCount: "1" })).toEqual(["vdc:pending:count is 1, not 0"]);
  });

  it("finds an index that is wrong, incomplete, or names too much", async () => {
    const { index } = sound;
    const wrong = new Map([...index, [second.id, { blockNumber: 1, index: 0 }]]);
    const less = new Map([...index].filter(([id]) => id !== second.id));
    const more = new Map([...index, [third.id, { blockNumber: 1, index: 2 }]]);
    for (const changed of [wrong, less, more]) expect(await check({ index: changed })).toHaveLength(1);
  });

  it("finds objects that are left, and one that is gone", async () => {
    expect(await check({ leftovers: [r2Keys.pending(late.id), r2Keys.pending(first.id)] })).toEqual([
      `R2 still holds ${r2Keys.pending(first.id)}`,
    ]);
    expect(await check({ leftovers: [] })).toEqual([
      `R2 no longer holds the submission ${late.id}, which was set aside`,
    ]);
  });

  it("takes what was set aside in either place, and in both while the sweep moves it", async () => {
    const [pending, moved] = [r2Keys.pending(late.id), r2Keys.setAside(late.id)];
    for (const leftovers of [[pending], [moved], [pending, moved]])
      expect(await check({ leftovers })).toEqual([]);
    expect(await check({ leftovers: [moved, r2Keys.setAside(first.id)] })).toEqual([
      `R2 still holds ${r2Keys.setAside(first.id)}`,
    ]);
  });

  it("finds a dead letter that nobody expects", async () => {
    const undecryptable = { ...TOO_LATE, reason: "undecryptable" };
    expect((await violationsOf(sound, EXPECTED, [undecryptable])).join("\n")).toContain("undecryptable");
    expect((await violationsOf(sound, EXPECTED, [{ ...TOO_LATE, txId: first.id }])).join("\n")).toContain(
      `a dead letter of miner about ${first.id}`,
    );
    expect((await violationsOf(sound, EXPECTED, [])).join("\n")).toContain(`${late.id} is lost`);
  });
});
