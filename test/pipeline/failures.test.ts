import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import {
  payloadOfSubmission,
  submissionTxId,
  unsignedTransaction,
  type UnsignedSubmission,
} from "../../shared/chain/submission.ts";
import { signedTransactionBytes, type PendingPayload } from "../../shared/chain/transaction.ts";
import { signSubmission } from "../../shared/client/sign-submission.ts";
import { base64url, hex, utf8 } from "../../shared/crypto/bytes.ts";
import { TRANSACTION } from "../../shared/crypto/contexts.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { sha256OfFile } from "../../shared/crypto/hash.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import type { PendingTransaction } from "../../shared/queue/messages.ts";
import { deadLetterQueueName, STAGES, workerName } from "../../shared/pipeline.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { CHAIN_ID, creation, newUser, registration, transfer } from "../support/users/accounts.ts";
import { blockRow, latest, logged, stagedKeys } from "../support/chain/chain-state.ts";
import { checkChain, expectMined, pendingKeys } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { mine, status, untilIdle } from "../support/payments/payments.ts";
import { parked } from "../support/chain/parked.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { deliverTo, enqueue, handOver } from "../support/stack/queues.ts";
import { payloadOf, seal, submit, writeUnseen } from "../support/payments/sealed-payments.ts";
import { startChain } from "../support/chain/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
});
afterAll(() => pipeline.close());

/** Payments that can never be mined, each for its own reason. */
const HOPELESS: Record<string, { reason: string; make: () => Promise<PendingTransaction> }> = {
  "an envelope that was changed": {
    reason: "undecryptable",
    async make() {
      const message = await seal(pipeline, payloadOf());
      const { ct } = message.envelope;
      const changed = `${ct.startsWith("A") ? "B" : "A"}${ct.slice(1)}`;
      return { ...message, envelope: { ...message.envelope, ct: changed } };
    },
  },
  "the envelope of another transaction": {
    reason: "undecryptable",
    async make() {
      const [message, other] = [await seal(pipeline, payloadOf()), await seal(pipeline, payloadOf())];
      return { ...message, envelope: other.envelope };
    },
  },
  "an object that is no envelope": {
    reason: "undecryptable",
    async make() {
      const message = await seal(pipeline, payloadOf());
      return { ...message, envelope: { not: "an envelope" } as never };
    },
  },
  "an envelope for a key that nobody has": {
    reason: "unknown_key",
    make: async () => seal(pipeline, payloadOf(), { publicKey: await publicKeyOf(await generateKeyring()) }),
  },
  "a private part that is not the one committed to": {
    reason: "invalid_transaction",
    make() {
      const payload = payloadOf();
      const other = { ...payload, private: payloadOf().private } as PendingPayload;
      return seal(pipeline, other);
    },
  },
  "another id inside than outside": {
    reason: "invalid_transaction",
    make: () => seal(pipeline, payloadOf(), { txId: payloadOf().transaction.id }),
  },
  "a genesis from outside": {
    reason: "invalid_transaction",
    make() {
      const { transaction } = payloadOf();
      const keys = { signingKeys: [], encryptionKeys: [] };
      const { id, timestamp } = transaction;
      const data = { chainId: "vdc-main", formatVersion: 1 as const, ...keys };
      return seal(pipeline, { transaction: { id, timestamp, type: "genesis", data, signatures: {} } });
    },
  },
  "a user's signature over something else": {
    reason: "invalid_signature",
    async make() {
      return seal(pipeline, await signedPayload("another-chain", CHAIN_ID));
    },
  },
  "a user's signature over another id than its contents have": {
    reason: "invalid_transaction",
    async make() {
      return seal(pipeline, await signedPayload("another-chain", "another-chain"));
    },
  },
  "a payment that a user signed": {
    reason: "invalid_transaction",
    async make() {
      const { transaction: paid, ...hidden } = payloadOf();
      const ann = await newUser();
      const transaction = { ...paid, id: submissionTxId(CHAIN_ID, ann.userId, paid) };
      const user = await ann.sign(signedTransactionBytes(transaction), TRANSACTION);
      return seal(pipeline, { ...hidden, transaction: { ...transaction, signatures: { user } } });
    },
  },
  "a transfer that nobody signed": {
    reason: "unsigned",
    make: async () => seal(pipeline, unsignedPayload(transfer("a-deed", await newUser()))),
  },
  "a registration that nobody signed": {
    reason: "unsigned",
    make: async () => seal(pipeline, unsignedPayload(registration(await newUser()))),
  },
};

/** Makes the payload of a creation that a user signed. Signature and id each belong to a chain. */
async function signedPayload(signedFor = CHAIN_ID, chainId = CHAIN_ID): Promise<PendingPayload> {
  const unsigned = creation(`deed-${crypto.randomUUID()}`);
  return payloadOfSubmission(chainId, await signSubmission(signedFor, unsigned, await newUser()));
}

function unsignedPayload(unsigned: UnsignedSubmission): PendingPayload {
  return { transaction: unsignedTransaction(CHAIN_ID, "0".repeat(64), unsigned) };
}

/** Waits until the chain head has sent the set-aside transactions to the dead letters, and they are parked. */
function untilParked(txIds: readonly string[]): Promise<void> {
  return until(async () =>
    expect((await parked(pipeline, "miner")).map(({ txId }) => txId)).toEqual(
      expect.arrayContaining([...txIds]),
    ),
  );
}

async function stateOf(txId: string): Promise<Record<string, unknown>> {
  return (await pipeline.fetch(`/api/vdc/transactions/${txId}`)).json();
}

describe("a transaction that can't be mined", () => {
  it("is set aside with its reason and parked, and the rest of the block is mined [T10 T14 T45 T46 T51]", async () => {
    const setAsideBefore = (await status(pipeline)).counts.setAside;
    const hopeless = await Promise.all(
      Object.entries(HOPELESS).map(async ([what, { reason, make }]) => ({
        what,
        reason,
        message: await make(),
      })),
    );
    for (const { message } of hopeless) await writeUnseen(pipeline, message);
    await pipeline.fireCron("miner"); // the cron finds transactions that pending-writer would have refused or never saw
    const missing = await submit(pipeline);
    await pipeline.r2.delete(r2Keys.pending(missing));
    const good = [await submit(pipeline), await submit(pipeline)];

    const { blockNumber } = await mine(pipeline);
    const blocks = await checkChain(pipeline);
    expectMined(blocks.slice(blockNumber), good);

    const expected = [
      ...hopeless.map(({ message, reason }) => ({ txId: message.txId, reason })),
      { txId: missing, reason: "missing" },
    ];
    await untilParked(expected.map(({ txId }) => txId));
    const letters = await parked(pipeline, "miner");
    for (const { txId, reason } of expected) {
      const letter = letters.find((found) => found.txId === txId);
      expect(letter, txId).toMatchObject({
        stage: "miner",
        reason,
        blockNumber,
        failures: [{ reason, attempts: 1 }],
      });
      expect(await stateOf(txId)).toMatchObject({ state: "set_aside", reason });
    }
    const { counts, failures } = await status(pipeline);
    expect(counts).toMatchObject({ pending: 0, waiting: 0, setAside: setAsideBefore + expected.length });
    expect(failures).toEqual(
      expect.arrayContaining(expected.map((failure) => expect.objectContaining(failure))),
    );
    // The envelopes stay until the cause is mended.
    expect((await pendingKeys(pipeline)).toSorted()).toEqual(
      hopeless.map(({ message }) => r2Keys.pending(message.txId)).toSorted(),
    );

    const next = await submit(pipeline);
    await mine(pipeline);
    expectMined((await checkChain(pipeline)).slice(blockNumber + 1), [next]);
    expect(await parked(pipeline, "miner")).toHaveLength(letters.length); // no transaction was tried again
    await pipeline.r2.delete(await pendingKeys(pipeline));
  });

  it("leaves no gap in the numbers when nothing else is in its block", async () => {
    const before = (await checkChain(pipeline)).length;
    const hopeless = await submit(pipeline);
    await pipeline.r2.delete(r2Keys.pending(hopeless));
    const answer = await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
    expect(await answer.json()).toMatchObject({ mined: false, reason: "all_set_aside" });
    await untilParked([hopeless]);
    await untilIdle(pipeline);
    expect((await status(pipeline)).counts.blocks).toBe(before);

    const good = await submit(pipeline);
    expect(await mine(pipeline)).toMatchObject({ blockNumber: before, transactions: 1 });
    expectMined((await checkChain(pipeline)).slice(before), [good]);
  });
});

const poison = (stage: string) => ({ v: 1, poison: stage });

describe("a queue message that can never succeed", () => {
  it("is parked by every stage with its reason and attempts, and never retried [T14]", async () => {
    for (const stage of STAGES) await enqueue(pipeline, stage, [poison(stage)]);
    for (const stage of STAGES) {
      const failures = [expect.objectContaining({ reason: "malformed_message", attempts: 1 })];
      const letter = { stage, reason: "malformed_message", message: poison(stage), failures };
      await until(async () =>
        expect(await parked(pipeline, stage)).toContainEqual(expect.objectContaining(letter)),
      );
      const settled = await deliverTo(pipeline, stage, [{ id: "poison", body: { poison: stage } }]);
      expect(settled, stage).toEqual({ acked: ["poison"], retried: [] });
    }
    await checkChain(pipeline);
  });

  it("does not hold up those that come with it", async () => {
    const message = await seal(pipeline, payloadOf());
    const deliveries = [{ poison: 1 }, message, null, "text"].map((body) => ({ body }));
    const settled = await deliverTo(pipeline, "pending-writer", deliveries);
    expect(settled).toEqual({ acked: ["delivery-0", "delivery-1", "delivery-2", "delivery-3"], retried: [] });
    expect(await stateOf(message.txId)).toMatchObject({ state: "pending" });
    const { blockNumber } = await mine(pipeline);
    expectMined((await checkChain(pipeline)).slice(blockNumber), [message.txId]);
  });

  it("is retried as long as it may, then parked with its attempts", async () => {
    const body = { v: 1, blockNumber: 1_000_000 };
    const last = { id: "last", attempts: 100, body };
    expect(await deliverTo(pipeline, "tier-persister", [last])).toEqual({ acked: [], retried: ["last"] });
    expect(await deliverTo(pipeline, "tier-persister", [{ ...last, attempts: 101 }])).toEqual({
      acked: ["last"],
      retried: [],
    });
    await until(async () =>
      expect(await parked(pipeline, "tier-persister")).toContainEqual(
        expect.objectContaining({
          reason: "retries_exhausted",
          blockNumber: 1_000_000,
          failures: [expect.objectContaining({ attempts: 101, error: expect.stringContaining("1000000") })],
        }),
      ),
    );
  });
});

const failed = (failedAt: number, blockNumber: number) => ({
  v: 1,
  kind: "dead_letter",
  stage: "indexer",
  reason: "retries_exhausted",
  error: "Error: no luck",
  attempts: 101,
  failedAt,
  message: { v: 1, blockNumber, from: 0 },
});
const recordsOf = async (blockNumber: number) =>
  (await parked(pipeline, "indexer")).filter((record) => record.blockNumber === blockNumber);

describe("a dead letter", () => {
  const queue = deadLetterQueueName("indexer");
  const park = (...bodies: unknown[]) =>
    handOver(
      pipeline,
      workerName("dead-letters"),
      queue,
      bodies.map((body) => ({ body })),
    );
  it("is one record when it is delivered twice, in one batch, at one moment or later", async () => {
    const letter = failed(1_800_000_000_000, 7_000_001);
    expect(await park(letter, letter)).toMatchObject({ acked: ["delivery-0", "delivery-1"] });
    await Promise.all([park(letter), park(letter)]);
    expect(await recordsOf(7_000_001)).toMatchObject([
      { failures: [{ attempts: 101 }], message: letter.message },
    ]);
  });

  it("keeps the history of a message that fails again", async () => {
    await park(failed(1_800_000_000_000, 7_000_002), failed(1_800_000_100_000, 7_000_002));
    expect(await recordsOf(7_000_002)).toMatchObject([
      { firstSeen: 1_800_000_000_000, lastSeen: 1_800_000_100_000, failures: [{}, {}] },
    ]);
  });

  it("is parked as it is when the platform itself gave the message up", async () => {
    await park({ v: 1, blockNumber: 7_000_003, from: 0 });
    expect(await recordsOf(7_000_003)).toMatchObject([{ stage: "indexer", reason: "retries_exhausted" }]);
  });
});

describe("the sealed bytes of a block", () => {
  it("are taken from the archive when the staged object is gone, and nothing else is taken for them", async () => {
    const txId = await submit(pipeline);
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "upload" });
    await pipeline.operate("/api/vdc/mine", { method: "POST" });
    const blockNumber = (await latest(pipeline))!.blockNumber + 1;
    await until(async () => expect(await pipeline.r2.head(r2Keys.block(blockNumber))).not.toBeNull());
    const sealed = await blockRow(pipeline, blockNumber);
    const [staged = ""] = await stagedKeys(pipeline, blockNumber);
    const bytes = await (await pipeline.r2.get(staged))!.arrayBuffer();
    expect(hex(await sha256OfFile(new Uint8Array(bytes)))).toBe(sealed?.sha256);

    // While both copies are lost or spoilt, the block waits, whatever the pinning service does.
    await pipeline.r2.put(staged, utf8("{}"));
    await pipeline.r2.delete(r2Keys.block(blockNumber));
    pipeline.pinning.clearFaults();
    const message = { body: { v: 1, blockNumber } };
    expect((await deliverTo(pipeline, "tier-persister", [message])).acked).toEqual([]);
    expect((await blockRow(pipeline, blockNumber))?.state).toBe("sealed");
    expect(await pipeline.kv.get(kvKeys.block(blockNumber))).toBeNull();
    expect(await pendingKeys(pipeline)).toEqual([r2Keys.pending(txId)]);
    await checkChain(pipeline);

    await pipeline.r2.put(r2Keys.block(blockNumber), bytes);
    await untilIdle(pipeline);
    await until(async () => expect((await latest(pipeline))?.hash).toBe(sealed?.hash));
    expectMined((await checkChain(pipeline)).slice(blockNumber), [txId]);
  });
});

describe("with REQUIRE_USER_SIGNATURE", () => {
  it("sets aside what no user signed, and mines what one did [T38]", async () => {
    const strict = await startPipeline({ vars: { REQUIRE_USER_SIGNATURE: "true" } });
    try {
      const unsigned = await submit(strict);
      const signed = await seal(strict, await signedPayload());
      await deliverTo(strict, "pending-writer", [{ body: signed }]);
      const { blockNumber } = await mine(strict);
      expectMined((await checkChain(strict)).slice(blockNumber), [signed.txId]);
      await until(async () =>
        expect(await parked(strict, "miner")).toMatchObject([{ txId: unsigned, reason: "unsigned" }]),
      );
      expect((await status(strict)).failures).toMatchObject([{ txId: unsigned, reason: "unsigned" }]);
    } finally {
      await strict.close();
    }
  });
});

describe("other bytes under the number of the next block", () => {
  it("halt the chain, which says so, and nothing is cleared or published [T52 T61]", async () => {
    const halting = await startChain();
    try {
      const before = await latest(halting);
      const blockNumber = (before?.blockNumber ?? 0) + 1;
      const foreign = canonicalBytes({ blockNumber, from: "somebody else" });
      await halting.r2.put(r2Keys.block(blockNumber), foreign);
      expect((await halting.fetch("/api/ready")).status).toBe(200);

      const txId = await submit(halting);
      await halting.operate("/api/vdc/mine", { method: "POST" });
      await until(async () => expect((await status(halting)).halted).not.toBeNull());

      const ready = await halting.fetch("/api/ready");
      expect(ready.status).toBe(503);
      const detail = expect.stringMatching(new RegExp(`halted.*block ${blockNumber}`));
      expect(await ready.json()).toMatchObject({ ready: false, checks: { chain: { ok: false, detail } } });
      expect(logged(halting, "chain.halted")).not.toEqual([]);
      await until(async () =>
        expect(await parked(halting, "tier-persister")).toMatchObject([{ reason: "forked", blockNumber }]),
      );

      const later = await submit(halting);
      const refused = await halting.operate("/api/vdc/mine", { method: "POST" });
      expect((await expectProblem(refused, "halted")).detail).toMatch(/block \d+.*`vdc resume --reason …`/s);
      await halting.fireCron("miner");
      expect((await pendingKeys(halting)).toSorted()).toEqual([txId, later].map(r2Keys.pending).toSorted());
      expect(await latest(halting)).toEqual(before);
      expect(await halting.kv.get(kvKeys.block(blockNumber))).toBeNull();
      expect((await halting.fetch(`/api/vdc/blocks/${blockNumber}`)).status).toBe(404);
      expect(
        base64url(new Uint8Array(await (await halting.r2.get(r2Keys.block(blockNumber)))!.arrayBuffer())),
      ).toBe(base64url(foreign));
      expect((await status(halting)).counts.blocks).toBe(blockNumber + 1);
      await checkChain(halting);

      // An operator removes the foreign bytes and resumes. VDC then finishes the sealed block and no other.
      const sealed = await blockRow(halting, blockNumber);
      await halting.r2.delete(r2Keys.block(blockNumber));
      const resumed = await halting.fetch("/api/vdc/resume", {
        method: "POST",
        headers: { "x-admin-secret": halting.secrets.ADMIN_SECRET },
        body: JSON.stringify({ by: "operator", reason: "foreign object removed" }),
      });
      expect(await resumed.json()).toMatchObject({ resumed: true });
      await until(async () => expect((await blockRow(halting, blockNumber))?.state).toBe("complete"));
      await mine(halting);
      const blocks = await checkChain(halting);
      expect(blocks[blockNumber]?.hash).toBe(sealed?.hash);
      expectMined(blocks.slice(blockNumber), [txId, later]);
      expect((await halting.fetch("/api/ready")).status).toBe(200);
    } finally {
      await halting.close();
    }
  });
});
