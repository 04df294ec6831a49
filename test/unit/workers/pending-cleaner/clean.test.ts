import { beforeEach, describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../../shared/crypto/bytes.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { archiveBytes, archiveIn } from "../../../../shared/storage/private-archive.ts";
import { clean } from "../../../../workers/pending-cleaner/clean.ts";
import type { Env } from "../../../../workers/pending-cleaner/env.ts";
import { TestHead, txId } from "../../../support/chain/chain-head.ts";
import { lostChain, TRACES } from "../../../support/chain/lost-chain.ts";
import { MemoryBucket, SILENT } from "../../../support/stack/memory-bucket.ts";

const STAGED = r2Keys.sealed(2, "f".repeat(64));

let head: TestHead;
let bucket: MemoryBucket;

/** Makes an environment whose chain head loses its storage after it has answered this many calls. */
function envOf(losesStorageAfter = Infinity): Env {
  let calls = 0;
  const answer = <T>(call: (present: TestHead) => T) => {
    const answered = call(head);
    if (++calls === losesStorageAfter) head = new TestHead({}, TRACES);
    return Promise.resolve(answered);
  };
  const stub = {
    blockWithTransactions: (n: number) => answer((present) => present.blockWithTransactions(n)),
    cleaned: ({ life, blockNumber }: { life: string; blockNumber: number }) =>
      answer((present) => present.cleaned(blockNumber, life)),
  };
  return { CHAIN_ID: "vdc-test", R2: bucket, CHAIN_HEAD: { getByName: () => stub } } as unknown as Env;
}

const cleanBlock2 = (env: Env) => clean({ v: 1, blockNumber: 2 }, env, SILENT);

beforeEach(() => {
  head = lostChain(2).head;
  head.admit(2);
  head.requestMining();
  head.mine();
  bucket = new MemoryBucket();
  bucket.set(r2Keys.pending(txId(2)), utf8('{"an":"envelope"}'));
  bucket.set(STAGED, utf8("the block"));
});

describe("the cleaner", () => {
  it("archives the private parts before it deletes pending objects and staged bytes", async () => {
    head.persisted(2);
    head.indexed(2);
    await cleanBlock2(envOf());
    expect(bucket.keys()).toEqual([r2Keys.private(2)]);
    expect(head.block(2)?.state).toBe("complete");
  });

  it("archives them also when the chain head loses its storage right after its answer", async () => {
    head.persisted(2);
    head.indexed(2);
    await expect(cleanBlock2(envOf(1))).rejects.toThrow("lost its storage");
    expect(bucket.keys()).toEqual([r2Keys.private(2)]);
    expect(bucket.text(r2Keys.private(2))).toContain('{"an":"envelope"}');
  });

  it("adds them to an archive of the same number that an earlier life, or an export, has left", async () => {
    const left = { blockNumber: 2, envelopes: { [txId(9)]: { of: "another block 2" } }, missing: [] };
    bucket.set(r2Keys.private(2), archiveBytes(left));
    head.persisted(2);
    head.indexed(2);
    await cleanBlock2(envOf());
    const { envelopes } = archiveIn(utf8(bucket.text(r2Keys.private(2)) ?? "")) ?? {};
    expect(envelopes).toEqual({ ...left.envelopes, [txId(2)]: { an: "envelope" } });
  });

  it("archives no private part that was erased from the archive", async () => {
    const erased = archiveBytes({ blockNumber: 2, envelopes: {}, missing: [], erased: [txId(2)] });
    bucket.set(r2Keys.private(2), erased);
    head.persisted(2);
    head.indexed(2);
    await cleanBlock2(envOf());
    expect(bucket.text(r2Keys.private(2))).toBe(fromUtf8(erased));
  });

  it("touches nothing of a block that the chain head does not know, or that is not indexed yet", async () => {
    const before = bucket.keys();
    head.persisted(2);
    await expect(cleanBlock2(envOf())).rejects.toThrow("block 2 is not indexed yet");
    head = new TestHead({}, TRACES);
    await expect(cleanBlock2(envOf())).rejects.toThrow("block 2 is not indexed yet");
    expect(bucket.keys()).toEqual(before);
  });
});
