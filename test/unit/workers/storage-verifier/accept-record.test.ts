import { beforeEach, describe, expect, it } from "vitest";
import { canonicalBytes, type Json } from "../../../../shared/crypto/canonical.ts";
import { utf8 } from "../../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { archiveIn } from "../../../../shared/storage/private-archive.ts";
import { storedRecord, type RecordKind, type StoredRecord } from "../../../../shared/storage/records.ts";
import {
  acceptRecord,
  type RecordAnswer,
} from "../../../../workers/storage-verifier/restore/accept-record.ts";
import type { Env } from "../../../../workers/storage-verifier/env.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { MemoryBucket, SILENT } from "../../../support/stack/memory-bucket.ts";

const IN_AN_HOUR = () => new Date(Date.now() + 3_600_000).toISOString();
const AN_HOUR_AGO = () => new Date(Date.now() - 3_600_000).toISOString();

let head: TestHead;
let bucket: MemoryBucket;

beforeEach(() => {
  head = new TestHead();
  head.admit(1);
  head.requestMining();
  head.mine();
  head.mine();
  bucket = new MemoryBucket();
});

function accept(record: StoredRecord, until = IN_AN_HOUR()): Promise<RecordAnswer> {
  const stub = {
    head: () => Promise.resolve(head.head()),
    blockWithTransactions: (n: number) => Promise.resolve(head.blockWithTransactions(n)),
    withdraw: (ids: readonly string[]) => Promise.resolve(head.withdrawIds(ids)),
    transaction: () => Promise.resolve(null),
  };
  const env = {
    CHAIN_ID: "vdc-test",
    R2: bucket,
    CHAIN_HEAD: { getByName: () => stub },
    ACCEPT_RECORDS_UNTIL: until,
  } as unknown as Env;
  return acceptRecord(record, env, SILENT);
}

const recordOf = (kind: RecordKind, id: string, value: Json, facts = {}) =>
  storedRecord(kind, id, canonicalBytes(value), facts);

const archive = (members: { readonly [name: string]: Json } = {}) =>
  recordOf("private_archive", "1", { blockNumber: 1, envelopes: {}, missing: [], ...members });

/** In a private archive. */
const envelopeOf = (n: number) => ({ [txId(n)]: { damaged: `AA${n}` } });

/** As anyone can make it, who knows the public key that payments are sealed to. */
const payment = () => {
  const envelope = {
    v: 1,
    suite: "HPKE-0041-0001-0002",
    kid: "a".repeat(64),
    txId: txId(7),
    enc: "A".repeat(1_451),
    ct: "A".repeat(22),
  };
  const facts = { timestamp: "1", size: "500", byteLength: "500" };
  return recordOf("pending_transaction", txId(7), envelope, facts);
};

describe("a record that is brought", () => {
  it.each(["", "soon", AN_HOUR_AGO()])(
    "is not taken when ACCEPT_RECORDS_UNTIL is '%s': it proves nothing about who made it [T27]",
    async (until) => {
      const erasure = await recordOf("erasure", txId(1), { txId: txId(1), erasedAt: 1 });
      for (const record of [await payment(), erasure, await archive()])
        await expect(accept(record, until)).resolves.toBe("closed");
      expect(bucket.keys()).toEqual([]);
    },
  );

  it("is taken before that time", async () => {
    await expect(accept(await archive({ missing: [txId(1)] }))).resolves.toMatchObject({ stored: true });
    expect(bucket.keys()).toEqual([r2Keys.private(1)]);
  });
});

describe("a private archive that is brought", () => {
  it.each(["missing", "erased"])(
    "is refused when it names only other blocks' transactions as %s",
    async (list) => {
      await expect(accept(await archive({ [list]: [txId(9)] }))).resolves.toEqual({
        invalid: "it holds nothing of block 1",
      });
      expect(bucket.keys()).toEqual([]);
    },
  );

  it("restores what it has of its block, and nothing else", async () => {
    const both = await archive({ envelopes: { ...envelopeOf(1), ...envelopeOf(9) }, erased: [txId(8)] });
    await expect(accept(both)).resolves.toMatchObject({ stored: true });
    expect(archiveIn(utf8(bucket.text(r2Keys.private(1)) ?? ""))).toEqual({
      blockNumber: 1,
      envelopes: envelopeOf(1),
      missing: [],
    });
  });
});
