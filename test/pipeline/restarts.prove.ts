import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { rotateKeyring } from "../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { blockRow, latest, asMiner } from "../support/chain/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import {
  askForMining,
  expectFinished,
  nextBlockNumber,
  untilState,
} from "../support/chain/finished-block.ts";
import { until } from "../support/stack/patience.ts";
import { mine, untilIdle } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { restart } from "../support/stack/restart.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import { calmDown, startWatchedChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startWatchedChain();
});
afterAll(() => pipeline.close());
beforeEach(() => calmDown(pipeline));

describe("the watchdog", () => {
  it.each([
    { without: "miner", state: undefined },
    { without: "tier-persister", state: "sealed" },
    { without: "indexer", state: "persisted" },
    { without: "pending-cleaner", state: "indexed" },
  ] as const)("finishes a block whose message to $without was lost", async ({ without, state }) => {
    const blockNumber = await nextBlockNumber(pipeline);
    const txId = await submit(pipeline);
    pipeline = await restart(pipeline, { without });
    await askForMining(pipeline);
    if (state !== undefined) await untilState(pipeline, blockNumber, state);
    const before = await blockRow(pipeline, blockNumber);
    expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);
    await checkChain(pipeline);

    pipeline = await restart(pipeline);
    await expectFinished(pipeline, blockNumber, [txId]);
    const after = await blockRow(pipeline, blockNumber);
    if (before?.hash) expect(after?.hash).toBe(before.hash);
  });
});

describe("a restart", () => {
  it("a block that was being persisted is finished with the same bytes", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "stall" });
    await askForMining(pipeline);
    await until(async () => expect(pipeline.pinning.stats().stalled).toBeGreaterThan(0));
    const sealed = await blockRow(pipeline, blockNumber);
    pipeline = await restart(pipeline);
    pipeline.pinning.clearFaults();
    await expectFinished(pipeline, blockNumber, [txId]);
    expect(await blockRow(pipeline, blockNumber)).toMatchObject({
      hash: sealed?.hash,
      sha256: sealed?.sha256,
    });
  });
});

describe("a miner that comes back from the dead", () => {
  it("finds its reservation as it was, and can't replace the block that another made of it [T48 T65]", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
    const reserved = await submit(pipeline);
    pipeline = await restart(pipeline, { without: "miner" });
    await askForMining(pipeline);
    const crashed = await asMiner(pipeline);
    const reservation = await crashed.reserve();
    if ("none" in reservation) throw new Error(`nothing was reserved: ${reservation.none}`);
    expect(reservation).toMatchObject({ blockNumber, transactions: [reserved] });
    const { life, previousHash, revision } = reservation;
    const later = await submit(pipeline);
    await askForMining(pipeline);
    expect(await crashed.reserve()).toEqual(reservation);
    await checkChain(pipeline);

    pipeline = await restart(pipeline); // the watchdog makes another miner build the block
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
      cid: await cidV0(new Uint8Array(1)),
      byteLength: 4_000,
      keyId: first!.blockSignature.keyId,
      announces: [],
      revokes: [],
      assets: [],
      users: [],
      systemTransactions: 0,
    });
    expect(answer).toMatchObject({ won: false, hash: first!.hash });
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("complete");
    expect((await checkChain(pipeline))[blockNumber]?.hash).toBe(first!.hash);
  });
});

describe("rotated keys", () => {
  it("are announced in a block that the old key signs, and open what was sealed to the old [T32 T34]", async () => {
    const blockNumber = await nextBlockNumber(pipeline);
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
