import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rotateKeyring } from "../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { blockRow, evictChainHead, keysOf, latest, asMiner, stagedKeys } from "../support/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/check-chain.ts";
import { mine, status, until, untilIdle, untilWaiting } from "../support/payments.ts";
import type { Pipeline } from "../support/pipeline.ts";
import { restart } from "../support/restart.ts";
import { payloadOf, seal, submit, writeUnseen } from "../support/sealed-payments.ts";
import { startChain } from "../support/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain({ vars: { STALL_AFTER_SECONDS: "1", MINE_AT_COUNT: "3" } });
});
afterAll(() => pipeline.close());
beforeEach(async () => {
  pipeline.pinning.clearFaults();
  await untilIdle(pipeline);
});

const askForMining = () => pipeline.operate("/api/vdc/mine", { method: "POST" });

async function untilState(blockNumber: number, state: string): Promise<void> {
  await until(async () => expect((await blockRow(pipeline, blockNumber))?.state).toBe(state));
}

async function nextBlockNumber(): Promise<number> {
  return (await checkChain(pipeline)).length;
}

/** The block and its transactions, and nothing else, came to the end of the chain, without anyone's help. */
async function expectFinished(blockNumber: number, txIds: readonly string[]): Promise<void> {
  await untilIdle(pipeline);
  await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber));
  expectMined((await checkChain(pipeline)).slice(blockNumber), txIds);
  expect(await pendingKeys(pipeline)).toEqual([]);
  expect(await keysOf(pipeline, "sealed/")).toEqual([]);
}

describe("the watchdog", () => {
  it.each([
    { without: "miner", state: undefined },
    { without: "tier-persister", state: "sealed" },
    { without: "indexer", state: "persisted" },
    { without: "pending-cleaner", state: "indexed" },
  ] as const)("finishes a block whose message to $without was lost", async ({ without, state }) => {
    const blockNumber = await nextBlockNumber();
    const txId = await submit(pipeline);
    pipeline = await restart(pipeline, { without });
    await askForMining();
    if (state !== undefined) await untilState(blockNumber, state);
    const before = await blockRow(pipeline, blockNumber);
    expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);
    await checkChain(pipeline);

    pipeline = await restart(pipeline);
    await expectFinished(blockNumber, [txId]);
    const after = await blockRow(pipeline, blockNumber);
    if (before?.hash) expect(after?.hash).toBe(before.hash);
  });

  it("does not wait for a message that was put off for an hour", async () => {
    const blockNumber = await nextBlockNumber();
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "rate_limit", retryAfterSeconds: 3_600, on: "upload", times: 1 });
    await askForMining();
    await until(async () => expect(pipeline.pinning.stats().faults).toEqual([]));
    await expectFinished(blockNumber, [txId]);
  });
});

describe("after a restart", () => {
  it("a block that was being persisted is finished with the same bytes", async () => {
    const blockNumber = await nextBlockNumber();
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "stall" });
    await askForMining();
    await until(async () => expect(pipeline.pinning.stats().stalled).toBeGreaterThan(0));
    const sealed = await blockRow(pipeline, blockNumber);
    pipeline = await restart(pipeline);
    pipeline.pinning.clearFaults();
    await expectFinished(blockNumber, [txId]);
    expect(await blockRow(pipeline, blockNumber)).toMatchObject({
      hash: sealed?.hash,
      sha256: sealed?.sha256,
    });
  });

  it("bytes that were staged and never sealed are nobody's block", async () => {
    const blockNumber = await nextBlockNumber();
    const stray = r2Keys.sealed(blockNumber, "0".repeat(64));
    await pipeline.r2.put(stray, await (await pipeline.r2.get(r2Keys.block(blockNumber - 1)))!.arrayBuffer());
    const txId = await submit(pipeline);
    await askForMining();
    await expectFinished(blockNumber, [txId]);
    expect(await stagedKeys(pipeline, blockNumber)).toEqual([]);
  });
});

describe("pending objects that the chain head never heard of", () => {
  it("are mined after the miner's next cron", async () => {
    const blockNumber = await nextBlockNumber();
    const messages = await Promise.all([1, 2, 3].map(() => seal(pipeline, payloadOf())));
    for (const message of messages) await writeUnseen(pipeline, message);
    expect((await status(pipeline)).counts.pending).toBe(0);
    await pipeline.fireCron("miner"); // MINE_AT_COUNT are waiting, so it also asks for mining
    await expectFinished(
      blockNumber,
      messages.map(({ txId }) => txId),
    );
  });

  it("are admitted and cleared once, however often the cron comes", async () => {
    const blockNumber = await nextBlockNumber();
    const message = await seal(pipeline, payloadOf());
    await writeUnseen(pipeline, message);
    await Promise.all([pipeline.fireCron("miner"), pipeline.fireCron("miner")]);
    await untilWaiting(pipeline, 1);
    await mine(pipeline);
    await expectFinished(blockNumber, [message.txId]);

    await writeUnseen(pipeline, message); // as a late repeat that crashed before it asked
    await pipeline.fireCron("miner");
    expect(await pendingKeys(pipeline)).toEqual([]);
    await expectFinished(blockNumber, [message.txId]);
  });
});

describe("an evicted chain head", () => {
  it("goes on where it was, at every state of a block", async () => {
    const blockNumber = await nextBlockNumber();
    const txId = await submit(pipeline);
    await evictChainHead(pipeline);
    expect((await status(pipeline)).counts.waiting).toBe(1);
    pipeline.pinning.setFault({ kind: "stall", on: "upload" });
    await askForMining();
    await untilState(blockNumber, "sealed");
    const sealed = await blockRow(pipeline, blockNumber);
    await evictChainHead(pipeline);
    expect(await blockRow(pipeline, blockNumber)).toEqual(sealed);
    pipeline.pinning.clearFaults();
    await until(async () => {
      await evictChainHead(pipeline);
      expect((await blockRow(pipeline, blockNumber))?.state).toBe("complete");
    });
    await expectFinished(blockNumber, [txId]);
    expect((await blockRow(pipeline, blockNumber))?.hash).toBe(sealed?.hash);
    await evictChainHead(pipeline);
    expect(await mine(pipeline)).toMatchObject({ mined: false, reason: "nothing_pending" });
  });
});

describe("a miner that comes back from the dead", () => {
  it("finds its reservation as it was, and can't replace the block that another made of it", async () => {
    const blockNumber = await nextBlockNumber();
    const reserved = await submit(pipeline);
    pipeline = await restart(pipeline, { without: "miner" });
    await askForMining();
    const crashed = await asMiner(pipeline);
    const reservation = await crashed.reserve();
    if ("none" in reservation) throw new Error(`nothing was reserved: ${reservation.none}`);
    expect(reservation).toMatchObject({ blockNumber, transactions: [reserved] });
    const { life, previousHash, revision } = reservation;
    const later = await submit(pipeline);
    await askForMining();
    expect(await crashed.reserve()).toEqual(reservation);
    await checkChain(pipeline);

    pipeline = await restart(pipeline); // the watchdog has another miner make the block
    await untilIdle(pipeline);
    await until(async () => expect((await latest(pipeline))?.blockNumber).toBe(blockNumber + 1));
    const [first, second] = (await checkChain(pipeline)).slice(blockNumber);
    expectMined([first!], [reserved]);
    expectMined([second!], [later]);

    const returned = await asMiner(pipeline);
    const answer = await returned.seal(blockNumber, previousHash, {
      life,
      revision,
      hash: "f".repeat(64),
      sha256: "e".repeat(64),
      byteLength: 4_000,
      keyId: first!.blockSignature.keyId,
      announces: [],
      assets: [],
      users: [],
      systemTransactions: 0,
    });
    expect(answer).toMatchObject({ won: false, hash: first!.hash });
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("complete");
    expect((await checkChain(pipeline))[blockNumber]?.hash).toBe(first!.hash);
    pipeline = await restart(pipeline); // lets go of the chain head, so that it can be evicted again
  });
});

describe("rotated keys", () => {
  it("are announced in a block that the old key signs, and open what was sealed to the old", async () => {
    const blockNumber = await nextBlockNumber();
    const sealedToOld = await submit(pipeline);
    const before = (await checkChain(pipeline)).at(-1)?.blockSignature.keyId;
    pipeline = await restart(pipeline, {
      secrets: { SYSTEM_KEYRING: await rotateKeyring(pipeline.secrets.SYSTEM_KEYRING) },
    });
    await mine(pipeline);
    const next = await submit(pipeline);
    await mine(pipeline);

    const [announcing, after] = (await checkChain(pipeline)).slice(blockNumber);
    const [rotation] = announcing?.transactions ?? [];
    expect(rotation).toMatchObject({ type: "key_rotation", data: { keyId: after?.blockSignature.keyId } });
    expect(announcing?.blockSignature.keyId).toBe(before);
    expect(after?.blockSignature.keyId).not.toBe(before);
    expectMined([announcing!, after!], [sealedToOld, next]);
    const index = await pipeline.kv.get(kvKeys.transaction(sealedToOld), "json");
    expect(index).toMatchObject({ blockNumber, index: 1 });
  });
});
