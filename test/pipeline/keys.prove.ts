import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../cli/output/failure.ts";
import { generateKeyring, loadKeyring, rotateKeyring } from "../../shared/crypto/keyring.ts";
import type { BlockReport } from "../../shared/api/storage-report.ts";
import type { WellKnown } from "../../shared/api/well-known.ts";
import { logged } from "../support/chain/chain-state.ts";
import { checkChain, expectMined } from "../support/chain/check-chain.ts";
import { vdc } from "../support/stack/command-line.ts";
import { askForMining } from "../support/chain/finished-block.ts";
import { until } from "../support/stack/patience.ts";
import { mine, untilIdle } from "../support/payments/payments.ts";
import type { Pipeline } from "../support/stack/pipeline.ts";
import { restart } from "../support/stack/restart.ts";
import { submit } from "../support/payments/sealed-payments.ts";
import { startWatchedChain } from "../support/chain/started-chain.ts";
import { verify, verifyAll } from "../support/stack/storage.ts";

// All tests share one stack and build on each other. Blocks 0 and 1 exist; block 2 announces the new key.
let pipeline: Pipeline;
let oldKeyring: string;
let newKeyring: string;
let oldId: string;
let newId: string;
beforeAll(async () => {
  pipeline = await startWatchedChain();
  oldKeyring = pipeline.secrets.SYSTEM_KEYRING;
  newKeyring = await rotateKeyring(oldKeyring);
  [oldId = "", newId = ""] = await Promise.all(
    [oldKeyring, newKeyring].map(async (json) => (await loadKeyring(json)).signing.active.keyId),
  );
});
afterAll(() => pipeline.close());

const deploy = async (SYSTEM_KEYRING: string) => {
  pipeline = await restart(pipeline, { secrets: { SYSTEM_KEYRING } });
};
const wellKnown = async () => (await pipeline.fetch("/.well-known/vdc.json")).json<WellKnown>();
const readiness = async () =>
  (await pipeline.fetch("/api/ready")).json<{ checks: { keys: { ok: boolean; detail?: string } } }>();
const revoke = (keyId: string, body: object) =>
  pipeline.operate(`/api/vdc/keys/${keyId}/revoke`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const command = (...args: string[]) =>
  vdc([...args, "--url", pipeline.url], { VDC_ADMIN_SECRET: pipeline.secrets.ADMIN_SECRET });

/** Returns the keyring with its signing key replaced by a key that the chain does not know. */
async function withForeignSigner(keyring: string): Promise<string> {
  const { signing } = JSON.parse(await generateKeyring()) as object & { signing: unknown };
  return JSON.stringify({ ...(JSON.parse(keyring) as object), signing });
}

describe("a rotated key", () => {
  it("signs from the block after the one that announces it", async () => {
    await submit(pipeline);
    await deploy(newKeyring);
    await mine(pipeline);
    await submit(pipeline);
    await mine(pipeline);
    const blocks = await checkChain(pipeline);
    expect(blocks.map(({ blockSignature }) => blockSignature.keyId)).toEqual([oldId, oldId, oldId, newId]);
    expect((await wellKnown()).signingKeys).toMatchObject([
      { keyId: oldId, retiredIn: 2, blocks: { first: 0, last: 2 }, revocation: null },
      { keyId: newId, retiredIn: null, blocks: { first: 3, last: 3 } },
    ]);
  });

  it("is not replaced by a retired one, nor by one that another key announces: nothing is signed, and all is mined once the right one is back", async () => {
    const txId = await submit(pipeline);
    for (const [keyring, said] of [
      [oldKeyring, "is retired: only"],
      [await withForeignSigner(newKeyring), "is not in SYSTEM_KEYRING"],
    ] as const) {
      await deploy(keyring);
      await pipeline.fireCron("miner");
      expect((await readiness()).checks.keys.ok).toBe(keyring !== oldKeyring);
      await askForMining(pipeline);
      await until(async () => expect(JSON.stringify(logged(pipeline, "message.retried"))).toContain(said));
      expect(await checkChain(pipeline)).toHaveLength(4);
    }
    await deploy(newKeyring);
    await pipeline.fireCron("miner");
    await untilIdle(pipeline);
    const blocks = await checkChain(pipeline);
    expectMined(blocks.slice(4), [txId]);
    expect((await readiness()).checks.keys).toEqual({ ok: true });
  });
});

describe("a revocation", () => {
  it("is refused for the present key, an unknown one, and for what would be personal for ever", async () => {
    const asked = { fromBlock: 1, reason: "stolen" };
    expect((await revoke(newId, asked)).status).toBe(409);
    expect((await revoke("0".repeat(64), asked)).status).toBe(404);
    expect((await revoke(oldId, { ...asked, fromBlock: 99 })).status).toBe(409);
    expect((await revoke(oldId, { ...asked, reason: "two\nlines" })).status).toBe(400);
    const personal = await revoke(oldId, { ...asked, reason: "paid with 4242424242424242" });
    expect(await personal.json()).toMatchObject({ status: 400, type: "urn:vdc:problem:personal-data" });
    expect(await checkChain(pipeline)).toHaveLength(5);
  });

  it("stands in the next block, which the key signs that replaced the stolen one, though nothing else waits", async () => {
    const before = await command("verify", "--json");
    expect(before.code).toBe(EXIT.ok);
    const done = await command("keys", "revoke", oldId, "--from-block", "1", "--reason", "stolen", "--yes");
    expect(done).toMatchObject({ code: EXIT.ok, stdout: expect.stringContaining("block 5 states") });
    const again = await revoke(oldId, { fromBlock: 1, reason: "asked again" });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ keyId: oldId, fromBlock: 1, reason: "stolen", blockNumber: 5 });
    const block = (await checkChain(pipeline)).at(-1);
    expect(block?.blockSignature.keyId).toBe(newId);
    expect(block?.transactions).toMatchObject([
      { type: "key_revocation", data: { keyId: oldId, fromBlock: 1, reason: "stolen" } },
    ]);
    const audit = await (await pipeline.operate("/api/audit?limit=100")).text();
    expect(audit).toContain("POST /api/vdc/keys/:keyId/revoke");
  });

  it("has every verifier name the blocks of the key from that block on, and no other, with an exit code of their own [T32 T33]", async () => {
    const reports = await Promise.all([0, 1, 2, 3].map((n) => verify(pipeline, n)));
    const untrusted = { keyId: oldId, revokedIn: 5 };
    expect(reports.map((report: BlockReport) => report.untrusted)).toEqual([
      null,
      untrusted,
      untrusted,
      null,
    ]);
    expect(reports.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok"]);
    expect(await verifyAll(pipeline)).toMatchObject({ totalBlocks: 6, verified: 6, untrusted: 2 });
    expect(await command("storage", "verify", "1")).toMatchObject({ code: EXIT.untrusted });
    expect(await command("storage", "verify", "0")).toMatchObject({ code: EXIT.ok });
    expect(await command("storage", "verify-all")).toMatchObject({ code: EXIT.untrusted });
    const verified = await command("verify", "--json");
    expect(verified.code).toBe(EXIT.untrusted);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      verified: true,
      untrusted: [{ keyId: oldId, first: 1, last: 2, revocation: { fromBlock: 1, blockNumber: 5 } }],
    });
  });
});
