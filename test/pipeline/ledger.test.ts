import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { payloadOfSubmission, type Submission } from "../../shared/chain/submission.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import {
  CHAIN_ID,
  creation,
  newUser,
  postSubmission,
  registration,
  signed,
  submitSigned,
  transfer,
} from "../support/users/accounts.ts";
import { asMiner } from "../support/chain/chain-state.ts";
import { checkChain, expectMined } from "../support/chain/check-chain.ts";
import { listed, untilEntry } from "../support/chain/dead-letters.ts";
import { until } from "../support/stack/patience.ts";
import { mine, purchase, status, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { seal, submit } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";
import { restore, runs, untilRunEnds, verify } from "../support/stack/storage.ts";
import { transplant } from "../support/chain/transplant.ts";

let pipeline: Pipeline;
let ann: UserKeys;
let bob: UserKeys;
let cyd: UserKeys;
beforeAll(async () => {
  [pipeline, ann, bob, cyd] = await Promise.all([startChain(), newUser(), newUser(), newUser()]);
});
afterAll(() => pipeline.close());

let tick = Date.now();
/** Returns a time after all earlier ones. */
const next = () => ++tick;

/** Makes a submission pending, without the early refusals of accounts and the delay of the queue. @returns its id */
async function admit(to: Pipeline, submission: Submission): Promise<string> {
  const body = await seal(to, payloadOfSubmission(CHAIN_ID, submission));
  expect((await deliverTo(to, "pending-writer", [{ body }])).acked).toHaveLength(1);
  return body.txId;
}

const create = async (assetId: string, by: UserKeys) =>
  admit(pipeline, await signed(by, creation(assetId, next())));
const give = async (assetId: string, from: UserKeys, to: UserKeys) =>
  admit(pipeline, await signed(from, transfer(assetId, to, next())));
const register = async (user: UserKeys, by = user) =>
  admit(pipeline, await signed(by, registration(user, next())));

const postTransfer = async (assetId: string, from: UserKeys, to: UserKeys, query = "") =>
  pipeline.fetch(`/api/vdc/transactions${query}`, {
    method: "POST",
    body: JSON.stringify(await signed(from, transfer(assetId, to))),
  });

async function assetOf(of: Pipeline, assetId: string): Promise<Record<string, unknown>> {
  const answer: Record<string, unknown> = await (await of.fetch(`/api/vdc/assets/${assetId}`)).json();
  const { indexedThrough: _, ...asset } = answer; // it grows by itself
  return asset;
}

async function stateOf(txId: string): Promise<{ state: string; reason?: string }> {
  const { state, reason } = await (
    await pipeline.fetch(`/api/vdc/transactions/${txId}`)
  ).json<{ state: string; reason?: string }>();
  return { state, ...(reason !== undefined && { reason }) };
}

/** Mines all pending transactions, and expects exactly these in the block, in this order. */
async function mined(txIds: readonly string[]): Promise<number> {
  const { blockNumber } = await mine(pipeline);
  const blocks = await checkChain(pipeline);
  expect(blocks[blockNumber]?.transactions.map(({ id }) => id)).toEqual(txIds);
  return blockNumber;
}

/** Mines while no pending transaction can be in a block. */
async function minedNothing(): Promise<void> {
  const answer = await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
  expect(await answer.json()).toMatchObject({ mined: false, reason: "all_set_aside" });
}

describe("an asset that its owner created", () => {
  it("changes hands within a block, and the index names the last owner", async () => {
    const creating = await create("deed-1", ann);
    const first = await give("deed-1", ann, bob);
    const second = await give("deed-1", bob, cyd);
    const blockNumber = await mined([creating, first, second]);
    expect(await assetOf(pipeline, "deed-1")).toEqual({
      assetId: "deed-1",
      txId: creating,
      owner: cyd.userId,
      vdcBlockNumber: blockNumber,
    });
  });

  it("changes hands block after block, and only its owner can give it away [T12 T31]", async () => {
    await mined([await create("deed-2", ann)]);
    expect(await assetOf(pipeline, "deed-2")).toMatchObject({ owner: ann.userId });
    await mined([await give("deed-2", ann, bob)]);
    expect(await assetOf(pipeline, "deed-2")).toMatchObject({ owner: bob.userId });

    const stolen = await give("deed-2", ann, ann); // ann was the owner before
    const other = await create("deed-3", ann);
    const given = await give("deed-2", bob, cyd);
    const blockNumber = await mined([other, given]);
    expect(await stateOf(stolen)).toEqual({ state: "set_aside", reason: "not_owner" });
    expect(await assetOf(pipeline, "deed-2")).toMatchObject({
      owner: cyd.userId,
      vdcBlockNumber: blockNumber,
    });
  });

  it("is created once, in a block or after it, and by nobody else's payment [T12 T13 T38]", async () => {
    const first = await create("deed-4", ann);
    const second = await create("deed-4", bob);
    await mined([first]);
    const third = await create("deed-4", bob);
    const paid = await submit(pipeline, purchase({ assetId: "deed-4" }));
    await minedNothing();
    for (const txId of [second, third, paid])
      expect(await stateOf(txId)).toEqual({ state: "set_aside", reason: "asset_exists" });
    // An operator must refund the payment, so it is a dead letter. A refused submission is not.
    await untilEntry(pipeline, paid, { state: "open", reason: "asset_exists" });
    for (const txId of [second, third]) expect(await listed(pipeline, `&txId=${txId}`)).toEqual([]);
    expect(await assetOf(pipeline, "deed-4")).toMatchObject({ txId: first, owner: ann.userId });
  });

  it("has its owner written to the index again when that says otherwise [T50]", async () => {
    const blockNumber = await mined([await create("deed-5", ann)]);
    const kept = await pipeline.kv.get(kvKeys.asset("deed-5"), "json");
    await pipeline.kv.put(kvKeys.asset("deed-5"), JSON.stringify({ ...(kept as object), owner: bob.userId }));
    expect(await verify(pipeline, blockNumber)).toMatchObject({
      status: "rehydrated",
      rehydrated: { index: "missing" },
    });
    expect(await pipeline.kv.get(kvKeys.asset("deed-5"), "json")).toEqual(kept);
  });
});

describe("an asset that a payment created", () => {
  it("has no owner and can't be transferred, not even by one who claims to own it", async () => {
    const paid = await submit(pipeline, purchase({ assetId: "deed-6" }));
    await mined([paid]);
    const { owner, ...asset } = await assetOf(pipeline, "deed-6");
    expect(owner).toBeUndefined();
    expect(asset).toMatchObject({ txId: paid });
    const claimed = await give("deed-6", ann, ann);
    await minedNothing();
    expect(await stateOf(claimed)).toEqual({ state: "set_aside", reason: "not_owner" });
  });
});

describe("a user", () => {
  it("is registered once, by the very key that is registered [T12]", async () => {
    const dan = await newUser();
    const byAnother = await register(dan, ann);
    const first = await register(dan);
    const second = await register(dan);
    await mined([first]);
    const third = await register(dan);
    await minedNothing();
    expect(await stateOf(byAnother)).toEqual({ state: "set_aside", reason: "not_own_key" });
    for (const txId of [second, third])
      expect(await stateOf(txId)).toEqual({ state: "set_aside", reason: "user_exists" });
    const head = await asMiner(pipeline);
    expect((await head.ledger({ assetIds: [], userIds: [dan.userId, ann.userId] })).users).toEqual([
      { userId: dan.userId, encryptionKeyId: dan.encryptionKey.keyId },
    ]);
  });
});

describe("a transfer that came before the creation", () => {
  it("is refused without a dead letter, its bytes are deleted, and its owner can sign another", async () => {
    const early = await give("deed-7", ann, bob);
    await minedNothing();
    expect(await stateOf(early)).toEqual({ state: "set_aside", reason: "unknown_asset" });
    await pipeline.fireCron("miner");
    expect(await pipeline.r2.head(r2Keys.pending(early))).toBeNull();
    await mined([await create("deed-7", ann)]);
    await mined([await give("deed-7", ann, bob)]);
    expect(await assetOf(pipeline, "deed-7")).toMatchObject({ owner: bob.userId });

    expect(await listed(pipeline, `&txId=${early}`)).toEqual([]);
    const { counts, failures } = await status(pipeline);
    expect(counts.refused).toBeGreaterThan(0);
    expect(failures).not.toContainEqual(expect.objectContaining({ txId: early }));
    const metrics = await (await pipeline.operate("/api/metrics")).text();
    expect(metrics).toMatch(/^vdc_submissions_refused_total\{reason="unknown_asset"\} [1-9]/m);
  });
});

describe("a transfer that no block could take", () => {
  it("is refused at the door: of an unknown asset, and by a key that does not own it [T12]", async () => {
    await mined([await create("deed-20", ann), await register(bob)]);
    await expectProblem(await postTransfer("deed-21", ann, bob), "unknown-asset");
    expect(await expectProblem(await postTransfer("deed-20", bob, bob), "not-owner")).toMatchObject({
      assetId: "deed-20",
    });
    const paid = await submit(pipeline, purchase({ assetId: "deed-22" }));
    await mined([paid]);
    const { detail } = await expectProblem(await postTransfer("deed-22", ann, bob), "not-owner");
    expect(detail).toContain("A payment created this asset, so it has no owner");
    expect((await status(pipeline)).counts.waiting).toBe(0);
  });

  it("is taken when the creation, or the transfer, that it needs is pending", async () => {
    const creating = await create("deed-23", ann);
    const first = await postTransfer("deed-23", ann, bob);
    expect(first.status).toBe(202);
    const { txId } = await first.json<{ txId: string }>();
    await until(async () => expect((await stateOf(txId)).state).toBe("pending"));
    const second = await postTransfer("deed-23", bob, bob);
    expect(second.status).toBe(202);
    await untilWaiting(pipeline, 3);
    await mined([creating, txId, (await second.json<{ txId: string }>()).txId]);
  });

  it("is refused when nobody has registered the new owner's key, unless the signer means it", async () => {
    await mined([await create("deed-24", ann)]);
    const gus = await newUser();
    expect(
      await expectProblem(await postTransfer("deed-24", ann, gus), "recipient-not-registered"),
    ).toMatchObject({
      newOwnerKeyId: gus.userId,
    });
    const meant = await postTransfer("deed-24", ann, gus, "?allowUnregistered=true");
    expect(meant.status).toBe(202);
    await untilWaiting(pipeline, 1);
    const registering = await register(gus);
    const taken = await postTransfer("deed-24", gus, gus);
    expect(taken.status).toBe(202);
    await untilWaiting(pipeline, 3);
    await mine(pipeline);
    expect((await stateOf(registering)).state).toBe("mined");
  });
});

describe("a submission of what the chain has already", () => {
  it("is refused at once, and the one that the chain has it from is answered as ever", async () => {
    const eve = await newUser();
    const [creating, registering] = [
      await signed(ann, creation("deed-8", next())),
      await signed(eve, registration(eve, next())),
    ];
    const txIds = [await admit(pipeline, creating), await admit(pipeline, registering)];
    await mined(txIds);
    const asset = await signed(bob, creation("deed-8"));
    expect(await expectProblem(await postSubmission(pipeline, asset), "already-exists")).toMatchObject({
      assetId: "deed-8",
    });
    const user = await signed(eve, registration(eve, tick + 60_000));
    expect(await expectProblem(await postSubmission(pipeline, user), "already-exists")).toMatchObject({
      userId: eve.userId,
    });
    expect(await submitSigned(pipeline, creating)).toBe(txIds[0]);
    expect(await submitSigned(pipeline, registering)).toBe(txIds[1]);
    const { waiting, pending } = (await status(pipeline)).counts;
    expect({ waiting, pending }).toEqual({ waiting: 0, pending: 0 });

    const given = await submitSigned(pipeline, await signed(ann, transfer("deed-8", eve, next())));
    await untilWaiting(pipeline, 1);
    await mined([given]);
  });
});

describe("a chain head that is restored", () => {
  it("knows every owner and user, so the same rules hold", async () => {
    const fay = await newUser();
    await mined([await create("deed-9", ann), await give("deed-9", ann, bob), await register(fay)]);
    const before = await checkChain(pipeline);
    const keys = {
      assetIds: ["deed-1", "deed-2", "deed-6", "deed-9"],
      userIds: [fay.userId, ann.userId],
    };
    const known = await (await asMiner(pipeline)).ledger(keys);
    const other = await startPipeline({ secrets: pipeline.secrets });
    try {
      await transplant(pipeline, other, { r2: true });
      const run: { id: string } = await (await restore(other)).json();
      expect(await untilRunEnds(other, run.id)).toMatchObject({ state: "done", next: before.length });
      await until(async () => {
        expect((await runs(other)).runs[0]).toMatchObject({ kind: "verify", state: "done" });
        expect((await status(other)).inFlight).toEqual([]);
      });
      expect(await (await asMiner(other)).ledger(keys)).toEqual(known);
      expect(await assetOf(other, "deed-9")).toEqual(await assetOf(pipeline, "deed-9"));

      const stolen = await admit(other, await signed(ann, transfer("deed-9", ann, next())));
      const twice = await admit(other, await signed(fay, registration(fay, next())));
      const given = await admit(other, await signed(bob, transfer("deed-9", cyd, next())));
      const { blockNumber } = await mine(other);
      expectMined((await checkChain(other)).slice(blockNumber), [given]);
      for (const [txId, reason] of [
        [stolen, "not_owner"],
        [twice, "user_exists"],
      ])
        expect(await (await other.fetch(`/api/vdc/transactions/${txId}`)).json()).toMatchObject({
          state: "set_aside",
          reason,
        });
      expect(await assetOf(other, "deed-9")).toMatchObject({ owner: cyd.userId });
    } finally {
      await other.close();
    }
  });
});
