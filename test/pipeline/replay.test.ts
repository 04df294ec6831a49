import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicKeyOf } from "../../cli/local/secrets.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import { checkChain, expectMined } from "../support/check-chain.ts";
import { entryOf, planned, replay, untilEntry } from "../support/dead-letters.ts";
import { mine, status } from "../support/payments.ts";
import type { Pipeline } from "../support/pipeline.ts";
import { deliverTo } from "../support/queues.ts";
import { restart } from "../support/restart.ts";
import { payloadOf, seal } from "../support/sealed-payments.ts";
import { startChain } from "../support/started-chain.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startChain();
});
afterAll(() => pipeline.close());

interface KeyringJson {
  signing: object[];
  encryption: { status: string }[];
}

/** The keyring with the other's encryption key, which opens and is sealed to no more. */
function withKeyOf(keyring: string, other: string): string {
  const { signing, encryption } = JSON.parse(keyring) as KeyringJson;
  const added = (JSON.parse(other) as KeyringJson).encryption.map((key) => ({
    ...key,
    status: "decrypt-only",
  }));
  return JSON.stringify({ signing, encryption: [...encryption, ...added] });
}

describe("a transaction that was set aside", () => {
  it("is mined by a replay once the key that it needs is in the keyring, and is one dead letter all the time", async () => {
    const lost = await generateKeyring();
    const sealed = await seal(pipeline, payloadOf(), { publicKey: await publicKeyOf(lost) });
    const { txId } = sealed;
    const setAside = async () => {
      const answer = await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
      expect(await answer.json()).toMatchObject({ mined: false, reason: "all_set_aside" });
    };
    await deliverTo(pipeline, "pending-writer", [{ body: sealed }]);
    await setAside();
    const failure = { reason: "unknown_key", attempts: 1 };
    await untilEntry(pipeline, txId, { stage: "miner", state: "open", ...failure, failures: [failure] });

    // Replayed too early: it fails for the same reason again, and says so.
    const { id } = await entryOf(pipeline, txId);
    const select = { ids: [id] };
    expect(await replay(pipeline, select)).toMatchObject({ total: 1, replayed: 1, skipped: 0, failed: 0 });
    expect((await status(pipeline)).counts).toMatchObject({ setAside: 0, waiting: 1, pending: 1 });
    await untilEntry(pipeline, txId, { state: "replaying" });
    await setAside();
    await untilEntry(pipeline, txId, { id, state: "open", attempts: 2, failures: [failure, failure] });

    pipeline = await restart(pipeline, {
      secrets: { SYSTEM_KEYRING: withKeyOf(pipeline.secrets.SYSTEM_KEYRING, lost) },
    });
    expect(await planned(pipeline, select)).toMatchObject({
      total: 1,
      wouldReplay: 1,
      items: [{ id, stage: "miner", txId, action: "replay", detail: "waits for a block again" }],
    });
    expect(await replay(pipeline, select)).toMatchObject({ replayed: 1 });
    const { blockNumber } = await mine(pipeline);
    expectMined((await checkChain(pipeline)).slice(blockNumber), [txId]);
    await untilEntry(pipeline, txId, { id, state: "resolved", failures: [failure, failure] });
    expect((await status(pipeline)).counts).toMatchObject({ setAside: 0, waiting: 0, pending: 0 });

    const again = await replay(pipeline, select);
    expect(again).toMatchObject({
      replayed: 0,
      skipped: 1,
      items: [{ id, outcome: "skipped", detail: `already mined in block ${blockNumber}` }],
    });
  });
});
