import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import type { PrivateArchive } from "../../shared/storage/private-archive.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { entryOf, givenUp, listed, park, post, replay, shown } from "../support/chain/dead-letters.ts";
import { latest } from "../support/chain/chain-state.ts";
import { until } from "../support/stack/patience.ts";
import { mine, pay, purchase, status, untilIdle } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { askToErase, askToShow, erase, shownEnvelope } from "../support/users/privacy.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { everythingKept } from "../support/assertions/readable.ts";
import { payloadOf, seal } from "../support/payments/sealed-payments.ts";
import { restore, untilRunEnds, verifyAll } from "../support/stack/storage.ts";
import { transplant } from "../support/chain/transplant.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline.close());

/** Returns a part of the ciphertext that no other ciphertext contains. */
const tellingPart = ({ envelope }: Pick<PendingTransaction, "envelope">) => envelope.ct.slice(100, 140);

async function placesOf(
  of: Pipeline,
  messages: readonly Pick<PendingTransaction, "envelope">[],
): Promise<string[]> {
  const kept = await everythingKept(of);
  for (const { id } of await listed(of)) kept.set(`answer ${id}`, JSON.stringify(await shown(of, id)));
  kept.set(
    "log",
    of.harness
      .getLogs()
      .map(({ message }) => message)
      .join("\n"),
  );
  return [...kept].flatMap(([place, text]) =>
    messages.some((message) => text.includes(tellingPart(message))) ? [place] : [],
  );
}

const archiveOf = async (of: Pipeline, blockNumber: number) =>
  (await of.r2.get(r2Keys.private(blockNumber)))?.json<PrivateArchive>();

/** Mines payments in one block. @returns the messages that brought them */
async function mined(
  of: Pipeline,
  count: number,
): Promise<{ blockNumber: number; messages: PendingTransaction[] }> {
  const messages: PendingTransaction[] = [];
  for (let i = 0; i < count; i++) messages.push(await seal(of, payloadOf()));
  await deliverTo(
    of,
    "pending-writer",
    messages.map((body) => ({ body })),
  );
  const { blockNumber } = await mine(of);
  await untilIdle(of);
  return { blockNumber, messages };
}

const txIdsOf = (messages: readonly PendingTransaction[]) => messages.map(({ txId }) => txId);

/** Makes a transaction that no block can take, because it is sealed to a key that the miner does not have. */
async function setAside(of: Pipeline): Promise<PendingTransaction> {
  const publicKey = await publicKeyOf(await generateKeyring());
  const message = await seal(of, payloadOf(), { publicKey });
  await deliverTo(of, "pending-writer", [{ body: message }]);
  await of.operate("/api/vdc/mine?wait=60", { method: "POST" });
  await until(async () => expect(await entryOf(of, message.txId)).toMatchObject({ state: "open" }));
  return message;
}

describe("the private part of a mined transaction", () => {
  it("is shown, encrypted, with what its block commits to", async () => {
    const { blockNumber, messages } = await mined(pipeline, 1);
    const [{ txId, envelope }] = messages as [PendingTransaction];
    const block = (await checkChain(pipeline))[blockNumber];
    const { privateCommitment } = block?.transactions.find(({ id }) => id === txId) ?? {};
    expect(privateCommitment).toMatch(/^[0-9a-f]{64}$/);
    expect(await shownEnvelope(pipeline, txId)).toEqual({
      txId,
      blockNumber,
      source: "archive",
      privateCommitment,
      envelope,
    });
  });

  it("is gone from everywhere once it was erased, and the chain is whole [T34 T77]", async () => {
    const { blockNumber, messages } = await mined(pipeline, 2);
    const [message, other] = messages as [PendingTransaction, PendingTransaction];
    const { txId } = message;
    await park(pipeline, "pending-writer", [
      givenUp("pending-writer", message),
      givenUp("pending-writer", other),
    ]);
    const letter = await entryOf(pipeline, txId);
    expect(await placesOf(pipeline, [message])).toEqual(
      [r2Keys.deadLetter("pending-writer", letter.id), r2Keys.private(blockNumber)]
        .map((key) => `R2 ${key}`)
        .concat(`answer ${letter.id}`),
    );

    const answer = await erase(pipeline, txId);
    expect(answer).toEqual({
      txId,
      blockNumber,
      erased: true,
      removed: [r2Keys.private(blockNumber), r2Keys.deadLetter("pending-writer", letter.id)],
    });
    expect(await placesOf(pipeline, [message])).toEqual([]);
    expect(await placesOf(pipeline, [other])).toHaveLength(3);
    expect(await archiveOf(pipeline, blockNumber)).toMatchObject({ missing: [], erased: [txId] });
    await expectProblem(await askToShow(pipeline, txId), "erased");
    expect((await shownEnvelope(pipeline, other.txId)).source).toBe("archive");
    expect(await erase(pipeline, txId)).toEqual(answer);

    const blocks = await checkChain(pipeline);
    expect(blocks[blockNumber]?.transactions.map(({ id }) => id).toSorted()).toEqual(
      txIdsOf(messages).toSorted(),
    );
    expect(await verifyAll(pipeline)).toMatchObject({
      verified: blocks.length,
      rehydrated: 0,
      partial: 0,
      failed: 0,
    });
  });

  it("leaves its dead letter readable: what failed, and who had it erased", async () => {
    const { messages } = await mined(pipeline, 1);
    const [message] = messages as [PendingTransaction];
    const { txId, timestamp, size } = message;
    await park(pipeline, "pending-writer", [
      givenUp("pending-writer", message, { error: "Error: R2 was down" }),
    ]);
    const before = await entryOf(pipeline, txId);
    await erase(pipeline, txId);
    const { id, failures } = before;
    expect(await shown(pipeline, id)).toEqual({
      ...before,
      state: "dismissed",
      replaysItself: false,
      dismissed: { by: "ann", reason: "erased: request 12", at: expect.any(Number) },
      failures,
      message: { v: 1, txId, timestamp, size, envelope: "erased" },
    });
    expect(await replay(pipeline, { ids: [id] })).toMatchObject({ replayed: 0, skipped: 1 });
  });

  it("does not come back with a late duplicate, nor with a letter that is parked late", async () => {
    const event = purchase();
    const txId = await pay(pipeline, event);
    await until(async () => expect((await status(pipeline)).counts.waiting).toBe(1));
    const { blockNumber } = await mine(pipeline);
    await untilIdle(pipeline);
    const { envelope } = await shownEnvelope(pipeline, txId);
    await erase(pipeline, txId);
    const again = await seal(pipeline, payloadOf(event));
    const another = await seal(pipeline, payloadOf(event));
    const late = { ...again, envelope };
    await deliverTo(pipeline, "pending-writer", [{ body: late }, { body: again }]);
    await park(pipeline, "pending-writer", [
      givenUp("pending-writer", late),
      givenUp("pending-writer", another),
    ]);
    await pay(pipeline, event);
    await deliverTo(pipeline, "pending-cleaner", [{ body: { v: 1, blockNumber } }]);
    await pipeline.fireCron("miner");
    await until(async () => {
      expect(await pendingKeys(pipeline)).toEqual([]);
      expect(await placesOf(pipeline, [late, again, another])).toEqual([]);
    });
    for (const { state } of await listed(pipeline, `&txId=${txId}`)) expect(state).toBe("dismissed");
    expect(await archiveOf(pipeline, blockNumber)).toMatchObject({ envelopes: {}, erased: [txId] });
    expectMined((await checkChain(pipeline)).slice(blockNumber), [txId]);
  });

  it("stays erased when others of its block are erased at the same moment", async () => {
    const { blockNumber, messages } = await mined(pipeline, 7);
    const [kept, ...erased] = messages as [PendingTransaction, ...PendingTransaction[]];
    const answers = await Promise.all(erased.map(({ txId }) => erase(pipeline, txId)));
    expect(answers.map(({ removed }) => removed)).toEqual(erased.map(() => [r2Keys.private(blockNumber)]));
    expect(await placesOf(pipeline, erased)).toEqual([]);
    const archive = await archiveOf(pipeline, blockNumber);
    expect(archive).toEqual({
      blockNumber,
      envelopes: { [kept.txId]: kept.envelope },
      missing: [],
      erased: txIdsOf(erased).toSorted(),
    });
  });
});

describe("a transaction that is on its way into a block", () => {
  it("is shown, but not erased before its block is complete", async () => {
    const message = await seal(pipeline, payloadOf());
    await deliverTo(pipeline, "pending-writer", [{ body: message }]);
    const { txId, envelope } = message;
    expect(await shownEnvelope(pipeline, txId)).toEqual({
      txId,
      blockNumber: null,
      source: "pending",
      privateCommitment: null,
      envelope,
    });
    const refused = await askToErase(pipeline, txId);
    await expectProblem(refused, "not-ready");
    expect((await shownEnvelope(pipeline, txId)).envelope).toEqual(envelope);
    await mine(pipeline);
    await untilIdle(pipeline);
    expect((await erase(pipeline, txId)).blockNumber).not.toBeNull();
  });

  it("is not found when neither the chain nor a dead letter has it", async () => {
    const { txId } = await seal(pipeline, payloadOf());
    await expectProblem(await askToShow(pipeline, txId), "not-found");
    await expectProblem(await askToErase(pipeline, txId), "not-found");
  });
});

describe("a transaction that no block took", () => {
  it("is erased when it was set aside, and neither a replay nor a late duplicate brings it back", async () => {
    const message = await setAside(pipeline);
    const { txId } = message;
    expect(await shownEnvelope(pipeline, txId)).toMatchObject({ source: "pending", blockNumber: null });
    const { id } = await entryOf(pipeline, txId);
    const answer = await erase(pipeline, txId);
    expect(answer).toEqual({
      txId,
      blockNumber: null,
      erased: true,
      removed: [r2Keys.pending(txId), r2Keys.setAside(txId)],
    });
    expect(await entryOf(pipeline, txId)).toMatchObject({
      id,
      state: "dismissed",
      dismissed: { reason: "erased: request 12" },
      failures: [{ reason: "unknown_key" }],
    });
    expect(await replay(pipeline, { ids: [id] })).toMatchObject({
      replayed: 0,
      skipped: 1,
      items: [{ outcome: "skipped", detail: "erased on request: nothing is left of it" }],
    });
    await deliverTo(pipeline, "pending-writer", [{ body: message }]);
    expect(await pendingKeys(pipeline)).toEqual([]);
    expect(await placesOf(pipeline, [message])).toEqual([]);
    const where = await pipeline.fetch(`/api/vdc/transactions/${txId}`);
    expect(await where.json()).toMatchObject({ state: "set_aside", reason: "erased" });
    await expectProblem(await askToShow(pipeline, txId), "erased");
    expect(await erase(pipeline, txId)).toEqual(answer);
  });

  it("is erased when only a dead letter had it, and not mined when it is delivered again", async () => {
    const message = await seal(pipeline, payloadOf());
    const { txId } = message;
    await park(pipeline, "pending-writer", [givenUp("pending-writer", message)]);
    expect(await shownEnvelope(pipeline, txId)).toMatchObject({ source: "dead-letter", blockNumber: null });
    const { id } = await entryOf(pipeline, txId);
    const answer = await erase(pipeline, txId);
    expect(answer.removed).toEqual([
      r2Keys.pending(txId),
      r2Keys.setAside(txId),
      r2Keys.deadLetter("pending-writer", id),
    ]);
    expect(await erase(pipeline, txId)).toEqual(answer);
    expect(await replay(pipeline, { ids: [id] })).toMatchObject({ replayed: 0, skipped: 1 });
    await deliverTo(pipeline, "pending-writer", [{ body: message }]);
    expect(await pendingKeys(pipeline)).toEqual([]);
    expect(await placesOf(pipeline, [message])).toEqual([]);
    const idle = await pipeline.operate("/api/vdc/mine?wait=1", { method: "POST" });
    expect(await idle.json()).toMatchObject({ mined: false });
  });

  it("is found by its envelope in a message that names another transaction, whose own envelope is left alone", async () => {
    const [named, sealed] = [await seal(pipeline, payloadOf()), await seal(pipeline, payloadOf())];
    const swapped = { ...named, envelope: sealed.envelope };
    await park(pipeline, "pending-writer", [
      givenUp("pending-writer", swapped),
      givenUp("pending-writer", named),
    ]);
    expect((await erase(pipeline, sealed.txId)).removed).toHaveLength(3);
    expect(await placesOf(pipeline, [sealed])).toEqual([]);
    expect((await shownEnvelope(pipeline, named.txId)).envelope).toEqual(named.envelope);
  });
});

describe("who erased what", () => {
  it("stands in the audit log, and nothing of what was erased", async () => {
    const { messages } = await mined(pipeline, 1);
    const [{ txId }] = messages as [PendingTransaction];
    await shownEnvelope(pipeline, txId);
    await erase(pipeline, txId);
    const page = await pipeline.operate("/api/audit?newest=true&limit=4");
    const text = await page.text();
    for (const action of ["POST /api/privacy/:txId/show", "POST /api/privacy/:txId/erase"])
      expect(text).toContain(action);
    expect(text).toContain(`/api/privacy/${txId}/erase`);
    expect(text).toContain("request 12");
    expect(text).not.toContain(tellingPart(messages[0] as PendingTransaction));
  });

  it("is only done by an operator who says why [T27]", async () => {
    const { txId } = await seal(pipeline, payloadOf());
    const path = `/api/privacy/${txId}/erase`;
    await expectProblem(await pipeline.fetch(path, { method: "POST", body: "{}" }), "unauthorized");
    await expectProblem(await pipeline.operate(path, { method: "POST", body: "{}" }), "invalid-body");
    expect(
      (await post(pipeline, "replays", { select: { all: true }, reason: "r", dryRun: true })).status,
    ).toBe(200);
  });
});

describe("after the chain head was lost and restored", () => {
  it("an erased private part stays erased: of a transaction that no block took, and of a block that goes through its stages once more", async () => {
    const first = await startPipeline({ secrets: pipeline.secrets });
    const other = await startPipeline({ secrets: pipeline.secrets });
    try {
      const inNoBlock = await setAside(first);
      await erase(first, inNoBlock.txId);
      expect(await (await first.r2.get(r2Keys.erased(inNoBlock.txId)))?.json()).toEqual({
        txId: inNoBlock.txId,
        erasedAt: expect.any(Number),
      });
      const { blockNumber, messages } = await mined(first, 2);
      const [inBlock, kept] = messages as [PendingTransaction, PendingTransaction];
      await erase(first, inBlock.txId);

      await transplant(first, other, { r2: true });
      await deliverTo(other, "pending-writer", [{ body: inBlock }]); // a late duplicate, which must not enter the archive
      await other.operate("/api/vdc/mine", { method: "POST" });
      const run = await (await restore(other)).json<{ id: string }>();
      expect(await untilRunEnds(other, run.id)).toMatchObject({ state: "done" });
      await deliverTo(other, "pending-writer", [{ body: inNoBlock }]); // a late duplicate
      await untilIdle(other);
      await other.fireCron("miner");

      expect(await pendingKeys(other)).toEqual([]);
      expect(await placesOf(other, [inNoBlock, inBlock])).toEqual([]);
      const where = await other.fetch(`/api/vdc/transactions/${inNoBlock.txId}`);
      expect(await where.json()).toMatchObject({ state: "set_aside", reason: "erased" });
      expect(await archiveOf(other, blockNumber)).toMatchObject({
        envelopes: { [kept.txId]: kept.envelope },
        erased: [inBlock.txId],
      });
      for (const { txId } of [inNoBlock, inBlock])
        await expectProblem(await askToShow(other, txId), "erased");
      await until(async () => expect((await latest(other))?.blockNumber).toBe(blockNumber));
      expectMined((await checkChain(other)).slice(blockNumber), txIdsOf(messages));
    } finally {
      await other.close();
      await first.close();
    }
  });
});
