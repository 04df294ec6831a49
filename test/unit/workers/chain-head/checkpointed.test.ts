import { describe, expect, it } from "vitest";
import { checkpointed, makeCheckpointDue } from "../../../../workers/chain-head/decisions/checkpointed.ts";
import { blocksOfEntries, logBlocks } from "../../../../workers/chain-head/reads/log-blocks.ts";
import { setValue } from "../../../../workers/chain-head/storage/key-values.ts";
import { TestHead } from "../../../support/chain/chain-head.ts";

/** A chain head whose blocks 0 to `latest` are published, and that has told the checkpointer of none. */
function published(latest: number): TestHead {
  const head = new TestHead().begun();
  for (let n = 1; n <= latest; n++) {
    head.admit(n);
    head.requestMining();
    head.persisted(head.mine().blockNumber);
  }
  setValue(head.sql, "publishedLatest", latest);
  makeCheckpointDue(head.sql, head.now);
  return head;
}

const due = (head: TestHead) => head.outboxItem("requeue_checkpointer");

describe("the message to the checkpointer", () => {
  it("is due until a checkpoint covers every published block", () => {
    const head = published(2);
    expect(due(head)).toEqual({ due: head.now, item: { kind: "requeue_checkpointer", blockNumber: 2 } });
    checkpointed(head.sql, 2, head.now);
    expect(due(head)).toMatchObject({ due: head.now });
    checkpointed(head.sql, 3, head.now);
    expect(due(head)).toBeUndefined();
  });

  it("is not brought back by a late report of a smaller checkpoint", () => {
    const head = published(2);
    checkpointed(head.sql, 3, head.now);
    checkpointed(head.sql, 1, head.now);
    expect(due(head)).toBeUndefined();
  });

  it("is not due while the chain is halted", () => {
    const head = published(2);
    setValue(head.sql, "halted", { reason: "a test", at: head.now });
    expect(due(head)).toBeUndefined();
  });
});

describe("the blocks of the logs", () => {
  it("are the published ones, with the index of their first transaction", () => {
    const head = published(3);
    head.admit(4);
    head.requestMining();
    head.mine();
    const { blocks } = logBlocks(head.sql, 0, 256);
    expect(blocks.map(({ blockNumber }) => blockNumber)).toEqual([0, 1, 2, 3]);
    let entries = 0;
    for (const { firstEntry, transactionCount } of blocks) {
      expect(firstEntry).toBe(entries);
      entries += transactionCount;
    }
    expect(logBlocks(head.sql, 2, 1).blocks.map(({ blockNumber }) => blockNumber)).toEqual([2]);
  });

  it("are found by the transactions that they hold", () => {
    const head = published(3);
    for (const { blockNumber, firstEntry, transactionCount } of logBlocks(head.sql, 0, 256).blocks) {
      const found = blocksOfEntries(head.sql, firstEntry, firstEntry + transactionCount);
      expect(found.map((block) => block.blockNumber)).toEqual([blockNumber]);
    }
    // Block 4 is in every tier, though `vdc:latest` does not show it yet.
    expect(blocksOfEntries(head.sql, 0, 1_000).map(({ blockNumber }) => blockNumber)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(blocksOfEntries(head.sql, 5, 5)).toEqual([]);
  });
});
