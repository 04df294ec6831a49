import { describe, expect, it } from "vitest";
import { NO_PREVIOUS_HASH } from "../../../../shared/chain/block.ts";
import { BLOCK_OVERHEAD_BYTES } from "../../../../shared/chain/rules.ts";
import { leafHash, merkleRoot } from "../../../../shared/chain/merkle.ts";
import { fromHex, hex } from "../../../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../../../shared/crypto/hash.ts";
import { CHAIN_ID, ipfsHashOf, KEY, sealedFrom, TestHead, txId } from "../../../support/chain/chain-head.ts";

describe("a reservation", () => {
  it("is genesis first, alone and with no predecessor", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    expect(head.reserve()).toEqual({
      chainId: CHAIN_ID,
      life: head.life,
      blockNumber: 0,
      revision: expect.any(Number),
      timestamp: head.now,
      previousHash: NO_PREVIOUS_HASH,
      previousCid: null,
      historyRoot: sha256Hex(new Uint8Array()),
      transactions: [],
      moved: [],
      announcedKeyIds: [],
      revocation: null,
    });
    expect(head.transaction(1)).toMatchObject({ state: "pending", block: null });
  });

  it("follows the block before: number, hash, CID, the root over all hashes, the announced keys", () => {
    const head = new TestHead();
    head.admit(1);
    head.requestMining();
    const hashes = [sealedFrom(head.mine()).hash];
    for (let n = 1; n <= 5; n++) {
      head.admit(n + 1);
      head.requestMining();
      const reservation = head.reserved();
      const leaves = hashes.map((hash) => leafHash(fromHex(hash)));
      expect(reservation).toMatchObject({
        blockNumber: n,
        previousHash: hashes.at(-1),
        previousCid: ipfsHashOf(n - 1),
        historyRoot: hex(merkleRoot(leaves)),
        announcedKeyIds: [KEY.keyId],
      });
      head.seal(reservation);
      hashes.push(sealedFrom(reservation).hash);
      head.finish(n - 1);
    }
  });

  it("is refused behind a block whose CID is unknown, because the next block must name it", () => {
    const head = new TestHead().begun();
    head.sql.exec("UPDATE block SET cid = NULL WHERE number = 1");
    head.admit(2);
    head.requestMining();
    expect(() => head.reserve()).toThrow("block 1 has no CID");
    expect(head.block(2)).toBeNull();
  });

  it("stays the same while it is open, whatever comes and however late", () => {
    const head = new TestHead().begun();
    head.admit(2, 3);
    head.requestMining();
    const first = head.reserve();
    head.admit(1);
    head.requestMining();
    head.pass(86_400);
    expect(head.reserve()).toEqual(first);
    expect(head.counts().blocks).toBe(3);
  });

  it("stands in the order of admission, whatever the timestamps say, and so does the sealed block", () => {
    const head = new TestHead().begun();
    head.admit({ n: 7, timestamp: 30 }, { n: 9, timestamp: 20 });
    head.admit({ n: 3, timestamp: 20 }, { n: 5, timestamp: 20 }, { n: 8, timestamp: 10 });
    head.requestMining();
    const { blockNumber, transactions } = head.mine();
    expect(transactions).toEqual([7, 9, 3, 5, 8].map(txId));
    expect(head.blockTransactions(blockNumber)).toEqual(transactions);
    expect([7, 9, 3, 5, 8].map((n) => head.transaction(n)?.block?.index)).toEqual([0, 1, 2, 3, 4]);
  });

  it("takes payments, and submissions that were paid, first into half of the block", () => {
    const head = new TestHead({ blockMaxTransactions: 4 }).begun();
    head.receive(8);
    head.admit(1, 2, 3, 4, 5, { n: 6, paid: true }, { n: 7, pays: 8, paid: true }, 8);
    head.requestMining();
    expect(head.mine().transactions).toEqual([1, 2, 6, 7].map(txId));
    expect(head.mine().transactions).toEqual([3, 4, 5, 8].map(txId));
  });

  it("takes a submission first whose payment came after it was admitted", () => {
    const head = new TestHead({ blockMaxTransactions: 2 }).begun();
    head.admit(1, 2, 3, { n: 4, pays: 3 });
    head.requestMining();
    expect(head.mine().transactions).toEqual([1, 3].map(txId));
  });

  it("lets no paid transaction overtake one that it needs, or that needs the same and came first", () => {
    const head = new TestHead({ blockMaxTransactions: 2 }).begun();
    const paid = true;
    head.admit(1, 2, { n: 3, grants: "ann's" }, { n: 4, needs: "ann's", paid });
    head.admit({ n: 5, needs: "bob's" }, { n: 6, needs: "bob's", paid }, { n: 7, paid });
    head.requestMining();
    const blocks = Array.from({ length: 4 }, () => head.mine().transactions);
    expect(blocks).toEqual([[1, 7], [2, 3], [4, 5], [6]].map((block) => block.map(txId)));
    head.admit(11, 12, { n: 13, needs: "cyd's", paid }); // cyd's: sealed long ago
    head.finish(2);
    head.requestMining();
    expect(head.mine().transactions).toEqual([11, 13].map(txId));
  });

  it("lets no paid transaction overtake one that it needs after that one was set aside and replayed", () => {
    const head = new TestHead({ blockMaxTransactions: 2 }).begun();
    const paid = true;
    head.admit({ n: 3, grants: "ann's" });
    head.requestMining();
    const { blockNumber } = head.reserved();
    head.setAside(blockNumber, 3);
    head.park();
    head.admit(1, 2);
    head.readmit(3);
    head.admit({ n: 4, needs: "ann's", paid });
    head.requestMining();
    const blocks = Array.from({ length: 2 }, () => head.mine().transactions);
    expect(blocks).toEqual(
      [
        [1, 2],
        [3, 4],
      ].map((block) => block.map(txId)),
    );
  });

  it("takes at most blockMaxTransactions, first admitted, first taken, whatever their timestamps say", () => {
    const head = new TestHead({ blockMaxTransactions: 3 }).begun();
    head.admit(...[5, 1, 3, 4, 2].map((n) => ({ n, timestamp: n })));
    head.requestMining();
    expect(head.mine().transactions).toEqual([5, 1, 3].map(txId));
    expect(head.mine().transactions).toEqual([4, 2].map(txId));
  });

  it("takes at most blockMaxBytes, each with its comma, in order and without skipping a large one", () => {
    const room = 3_000;
    const head = new TestHead({ blockMaxBytes: BLOCK_OVERHEAD_BYTES + room }).begun();
    head.admit(
      { n: 1, size: 1_499 },
      { n: 2, size: 1_499 },
      { n: 3, size: 1_500 },
      { n: 4, size: 1_499 },
      { n: 5, size: 1 },
    );
    head.requestMining();
    expect(head.mine().transactions).toEqual([1, 2].map(txId));
    expect(head.mine().transactions).toEqual([3].map(txId)); // with 4 it would be one byte too many
    expect(head.mine().transactions).toEqual([4, 5].map(txId));
  });

  it("takes no more than the archive of their private parts may hold, in order", () => {
    const head = new TestHead({ blockMaxTransactions: 500 }).begun();
    for (let n = 1; n <= 400; n++) head.admit({ n, size: 400, envelopeSize: 126_000 });
    head.requestMining();
    expect(head.mine().transactions).toHaveLength(Math.floor(32_000_000 / 126_000));
    expect(head.mine().transactions).toHaveLength(400 - Math.floor(32_000_000 / 126_000));
  });

  it("takes one that is larger than the limit alone, so that the chain goes on", () => {
    const head = new TestHead({ blockMaxBytes: BLOCK_OVERHEAD_BYTES + 1_000 }).begun();
    head.admit({ n: 1, size: 5_000 }, { n: 2, size: 10 });
    head.requestMining();
    expect(head.mine().transactions).toEqual([txId(1)]);
    expect(head.mine().transactions).toEqual([txId(2)]);
  });

  it("waits when as many blocks are in flight as may be, and goes on when one is complete", () => {
    const head = new TestHead({ blockMaxTransactions: 1, maxBlocksInFlight: 2 }).begun();
    head.admit(1, 2, 3);
    head.requestMining();
    const [first, second] = [head.mine(), head.mine()];
    expect(head.reserve()).toEqual({ none: "too_many_in_flight" });
    head.persisted(first.blockNumber);
    head.indexed(first.blockNumber);
    expect(head.reserve()).toEqual({ none: "too_many_in_flight" });
    head.cleaned(first.blockNumber);
    expect(head.reserved()).toMatchObject({
      blockNumber: second.blockNumber + 1,
      transactions: [txId(3)],
    });
  });

  it("is never dated before the block before it, though the clock went back", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    const { timestamp } = head.mine();
    head.pass(-3_600);
    head.admit(2);
    head.requestMining();
    expect(head.mine().timestamp).toBe(timestamp);
    head.pass(7_200);
    head.admit(3);
    head.requestMining();
    expect(head.reserved().timestamp).toBe(head.now);
  });

  it("is refused while the chain is halted, and the same one is there when it is resumed", () => {
    const head = new TestHead().begun();
    head.admit(1);
    head.requestMining();
    const open = head.reserve();
    head.halt("a fork");
    expect(head.reserve()).toEqual({ none: "halted" });
    head.resume();
    expect(head.reserve()).toEqual(open);
  });
});
