import { afterAll, beforeAll, expect, it } from "vitest";
import { blockBytes, buildBlock } from "../../shared/chain/block.ts";
import { hex } from "../../shared/crypto/bytes.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { announced, payment, signerOf } from "../support/chain/chain.ts";
import { asMiner, latest, logged } from "../support/chain/chain-state.ts";
import { pinnedFiles } from "../support/chain/chain-state.ts";
import { until } from "../support/stack/patience.ts";
import { status } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { restart } from "../support/stack/restart.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
});
afterAll(() => pipeline.close());

it("a block that another Worker than the miner has sealed, with a key of its own, gets into no tier and halts the chain [T43 T44 T56 T58]", async () => {
  const before = await latest(pipeline);
  const pins = (await pinnedFiles(pipeline)).length;
  await submit(pipeline);
  pipeline = await restart(pipeline, { without: "miner" });
  await pipeline.operate("/api/vdc/mine", { method: "POST" });
  const anybody = await asMiner(pipeline); // the bindings that eight Workers have: the chain head, and R2
  const reservation = await anybody.reserve();
  if ("none" in reservation) throw new Error(`nothing was reserved: ${reservation.none}`);
  const intruder = await signerOf("intruder");
  const { life, blockNumber, previousHash, revision } = reservation;
  const forged = await buildBlock(reservation, [payment("to the intruder")], intruder);
  const bytes = blockBytes(forged);
  const sha256 = hex(await sha256OfFile(bytes));
  await pipeline.r2.put(r2Keys.sealed(blockNumber, sha256), bytes);
  const facts = { byteLength: bytes.length, assets: [], users: [], systemTransactions: 0 };
  const { hash } = forged;
  const keyId = reservation.announcedKeyIds.at(-1) ?? ""; // a lie, because the chain head accepts only a block of this key
  const announces = [announced(intruder)];
  const answer = await anybody.seal(blockNumber, previousHash, {
    life,
    revision,
    hash,
    sha256,
    cid: await cidV0(bytes),
    keyId,
    announces,
    revokes: [],
    ...facts,
  });
  expect(answer).toMatchObject({ won: true });

  pipeline = await restart(pipeline); // the watchdog gives the block to tier-persister
  await until(async () => {
    const { halted }: { halted: { reason: string } | null } = await status(pipeline);
    expect(halted?.reason).toMatch(`block ${blockNumber}: what was sealed does not verify (unknown_key)`);
  });
  expect(logged(pipeline, "chain.halted")).not.toEqual([]);
  expect(await pipeline.r2.head(r2Keys.block(blockNumber))).toBeNull();
  expect(await pipeline.kv.get(kvKeys.block(blockNumber))).toBeNull();
  expect((await pinnedFiles(pipeline)).length).toBe(pins);
  expect(await latest(pipeline)).toEqual(before);
  expect((await pipeline.fetch(`/api/vdc/blocks/${blockNumber}`)).status).toBe(404);
});
