import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { eraseLetters } from "../../../../workers/dead-letters/entries/erase.ts";
import { recordFrom } from "../../../../workers/dead-letters/entries/record.ts";
import {
  restoreRecord,
  type RestoredRecord,
} from "../../../../workers/dead-letters/entries/restore-record.ts";
import { txId } from "../../../support/chain/chain-head.ts";
import { TestIndex } from "../../../support/chain/dead-letter-index.ts";
import { MemoryBucket } from "../../../support/stack/memory-bucket.ts";

const STAGE = "pending-writer";
const ENVELOPE = { txId: txId(1), ct: "a secret" };

let index: TestIndex;
let memory: MemoryBucket;
let R2: R2Bucket;
let id: string;
/** The record as it was exported, before R2 and the index lost it. */
let exported: Uint8Array<ArrayBuffer>;
beforeEach(async () => {
  const before = new TestIndex();
  id = await before.giveUp(STAGE, { v: 1, txId: txId(1), envelope: ENVELOPE });
  exported = utf8([...before.records.values()].join(""));
  index = new TestIndex();
  memory = new MemoryBucket();
  R2 = memory as unknown as R2Bucket;
});

const key = () => r2Keys.deadLetter(STAGE, id);
const record = () => recordFrom(memory.bytes(key()) ?? new Uint8Array());
const restore = (bytes = exported): Promise<RestoredRecord> =>
  restoreRecord(index.store, { R2 }, { id: `${STAGE}/${id}`, bytes });
const erase = () =>
  eraseLetters(index.store, { R2 }, { txId: txId(1), by: "ann", reason: "a request", at: index.now });

/** Does `work` once, right before the first call of this name. */
function onceBefore(name: string, work: () => Promise<unknown>): void {
  memory.before = async (call) => {
    if (call !== name) return;
    memory.before = () => {};
    await work();
  };
}

function expectErased(): void {
  expect(memory.text(key())).not.toContain("a secret");
  expect(record()).toMatchObject({ message: { envelope: "erased" }, erased: { txId: txId(1) } });
  expect(index.entry(id)).toMatchObject({ state: "dismissed" });
}

describe("a dead letter's record that is restored", () => {
  it("is put where R2 has none, byte for byte, and is open; the second time it is kept", async () => {
    expect(await restore()).toBe("stored");
    expect(memory.bytes(key())).toEqual(exported);
    expect(index.entry(id).state).toBe("open");
    expect(await restore()).toBe("kept");
    expect(index.counts().open).toEqual({ [STAGE]: 1 });
  });

  it("is stored once when two bring it at once", async () => {
    const outcomes = await Promise.all([restore(), restore()]);
    expect(outcomes.toSorted()).toEqual(["kept", "stored"]);
    expect(index.counts().open).toEqual({ [STAGE]: 1 });
  });

  it("does not replace the record that R2 has", async () => {
    const newer = utf8(JSON.stringify({ ...recordFrom(exported), error: "failed again" }));
    onceBefore("put", async () => memory.set(key(), newer));
    expect(await restore()).toBe("kept");
    expect(memory.bytes(key())).toEqual(newer);
  });

  it("loses its envelope when it was erased before", async () => {
    await erase();
    expect(await restore()).toBe("erased");
    expectErased();
  });

  it.for(["put", "get"])("loses its envelope when it is erased meanwhile: before %s", async (at) => {
    if (at === "get") {
      await restore();
      onceBefore(at, restore);
      await erase();
    } else {
      onceBefore(at, erase);
      expect(await restore()).toBe("erased");
    }
    expectErased();
  });

  it("loses its envelope when the object crashed before the record was noted, and it is brought again", async () => {
    await erase();
    index.crashAfterDecisions = 0;
    await expect(restore()).rejects.toThrow("crashed");
    index.crashAfterDecisions = Infinity;
    expect(await restore()).toBe("erased");
    expectErased();
  });

  it("is refused when it is another letter's, or none", async () => {
    for (const bytes of [
      utf8("rubbish"),
      utf8("{}"),
      utf8(JSON.stringify({ ...recordFrom(exported), id: "0".repeat(32) })),
    ])
      expect(await restore(bytes)).toBe("invalid");
    expect(memory.keys()).toEqual([]);
  });
});
