import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import { sealMetadata } from "../../shared/client/user-metadata.ts";
import type { UserKeys } from "../../shared/client/user-keys.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { recordPlace, RECORD_KINDS, type RecordKind } from "../../shared/storage/records.ts";
import { CHAIN_ID, creation, register, signed, submitSigned, newUser } from "../support/users/accounts.ts";
import { newToken, putMetadata } from "../support/users/activation.ts";
import { kvKeysOf, objectsOf } from "../support/chain/chain-state.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { vdc, type Ran } from "../support/stack/command-line.ts";
import { entryOf, listed } from "../support/chain/dead-letters.ts";
import { until } from "../support/stack/patience.ts";
import { mine, status, untilIdle, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { askToShow, erase, shownEnvelope } from "../support/users/privacy.ts";
import { expectProblem } from "../support/assertions/problems.ts";
import { payloadOf, seal, submit } from "../support/payments/sealed-payments.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { loseR2 } from "../support/chain/transplant.ts";

const VARS = { STALL_AFTER_SECONDS: "60", PAID_TYPES: "asset_creation" };

let pipeline: Pipeline;
let directory: string;
let user: UserKeys;
/** Transaction ids by their result. */
const tx = { mined: "", erasedLater: "", erased: "", setAside: "", awaiting: "", pending: "" };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "vdc-records-"));
  pipeline = await startPipeline({ vars: VARS });
  user = await newUser();
  await register(pipeline, user);
  tx.mined = await submit(pipeline);
  tx.erasedLater = await submit(pipeline);
  await mine(pipeline);
  await untilIdle(pipeline);
  await putMetadata(pipeline, await sealMetadata(CHAIN_ID, user, 1, { note: "mine" }));
  await newToken(pipeline);
  tx.erased = await setAside();
  await erase(pipeline, tx.erased);
  tx.setAside = await setAside();
  await until(async () => {
    await pipeline.fireCron("miner");
    expect(await objectsOf(pipeline.r2, r2Keys.setAsidePrefix)).toHaveLength(1);
  });
  tx.awaiting = await submitSigned(pipeline, await signed(user, creation("deed-awaiting")));
  tx.pending = await submit(pipeline);
  await untilWaiting(pipeline, 1);
});
afterAll(async () => {
  await pipeline.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Makes a transaction that no block can take, because it is sealed to a key that the miner does not have. */
async function setAside(): Promise<string> {
  const publicKey = await publicKeyOf(await generateKeyring());
  const message = await seal(pipeline, payloadOf(), { publicKey });
  await deliverTo(pipeline, "pending-writer", [{ body: message }]);
  await pipeline.operate("/api/vdc/mine?wait=60", { method: "POST" });
  await until(async () => expect(await entryOf(pipeline, message.txId)).toMatchObject({ state: "open" }));
  return message.txId;
}

/** Runs a command as an operator does. */
function command(of: Pipeline, ...args: string[]): Promise<Ran> {
  const { ADMIN_SECRET } = of.secrets;
  return vdc([...args, "--url", of.url], { VDC_ADMIN_SECRET: ADMIN_SECRET, VDC_OPERATOR: "ada" });
}

async function succeed(of: Pipeline, ...args: string[]): Promise<Ran> {
  const ran = await command(of, ...args);
  expect(ran.code, ran.stderr + ran.stdout).toBe(0);
  return ran;
}

const folder = () => join(directory, "records");
const car = () => join(directory, "chain.car");
const exportAll = (of: Pipeline) => command(of, "export", car(), "--records", folder(), "--yes");

/** Returns the bytes and the metadata of every record of a kind, by key. */
async function recordsOf({ r2, kv }: Pipeline, kind: RecordKind): Promise<Record<string, unknown>> {
  const { tier, prefix } = recordPlace(kind);
  if (tier === "kv") {
    const keys = await kvKeysOf(kv, prefix);
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await kv.get(key)] as const)));
  }
  const objects = await objectsOf(r2, prefix);
  const entries = objects.map(async ({ key }) => {
    const object = await r2.get(key);
    return [key, { text: await object?.text(), facts: object?.customMetadata }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function lose(of: Pipeline, kind: RecordKind): Promise<void> {
  const { tier, prefix } = recordPlace(kind);
  if (tier === "r2") return loseR2(of, prefix);
  for (const key of await kvKeysOf(of.kv, prefix)) await of.kv.delete(key);
}

describe("records that are lost", () => {
  it.for(RECORD_KINDS)("%s: the loss shows, and one command restores every byte", async (kind) => {
    expect(await exportAll(pipeline)).toMatchObject({ code: 0 });
    const before = await recordsOf(pipeline, kind);
    expect(Object.keys(before).length).toBeGreaterThan(0);
    await lose(pipeline, kind);
    expect(await recordsOf(pipeline, kind)).toEqual({});

    const { code, stderr } = await exportAll(pipeline);
    expect([code, stderr]).toEqual([6, expect.stringContaining("vdc storage bring-records")]);
    await succeed(pipeline, "storage", "bring-records", folder());
    expect(await recordsOf(pipeline, kind)).toEqual(before);
    await succeed(pipeline, "storage", "bring-records", folder()); // nothing changes the second time
    expect(await recordsOf(pipeline, kind)).toEqual(before);
    expect(await exportAll(pipeline)).toMatchObject({ code: 0 });
  });

  it("private parts: verification names the block, and is content when they are back", async () => {
    await lose(pipeline, "private_archive");
    const { code, stdout } = await command(pipeline, "storage", "verify-all", "--json");
    expect(code).toBe(6);
    const { results } = JSON.parse(stdout) as { results: { blockNumber: number; privateParts: object }[] };
    expect(results).toContainEqual(
      expect.objectContaining({ status: "partial", privateParts: { complete: false, missing: 2 } }),
    );
    const { stdout: diagnosis } = await command(pipeline, "doctor");
    expect(diagnosis).toMatch(/private parts +R2 lacks private parts of \d+ block/);
    await succeed(pipeline, "storage", "bring-records", folder());
    await succeed(pipeline, "storage", "verify-all");
    expect((await shownEnvelope(pipeline, tx.mined)).source).toBe("archive");
  });

  it("private parts: what was erased after the export stays erased", async () => {
    await erase(pipeline, tx.erasedLater);
    await lose(pipeline, "private_archive");
    await succeed(pipeline, "storage", "bring-records", folder());
    await expectProblem(await askToShow(pipeline, tx.erasedLater), "erased");
    expect((await shownEnvelope(pipeline, tx.mined)).source).toBe("archive");
    expect(await exportAll(pipeline)).toMatchObject({ code: 0 });
  });

  it("are restored from an export into an empty deployment, with the chain and everything else", async () => {
    await erase(pipeline, tx.erasedLater);
    expect(await exportAll(pipeline)).toMatchObject({ code: 0 });
    await succeed(pipeline, "audit", "verify", join(folder(), "audit.ndjson"));
    const other = await startPipeline({ vars: VARS, secrets: pipeline.secrets });
    try {
      await succeed(other, "restore", car(), "--records", folder(), "--reason", "all is lost", "--yes");
      await until(async () => expect((await status(other)).inFlight).toEqual([]));
      for (const kind of ["erasure", "private_archive", "activation_token", "user_metadata"] as const)
        expect(await recordsOf(other, kind), kind).toEqual(await recordsOf(pipeline, kind));
      await other.fireCron("miner");
      await other.fireCron("accounts");
      const standing = async (txId: string) =>
        (await (await other.fetch(`/api/vdc/transactions/${txId}`)).json<{ state: string }>()).state;
      expect(await standing(tx.awaiting)).toBe("awaiting_payment");
      expect(await standing(tx.erased)).toBe("set_aside");
      await mine(other);
      expect(await standing(tx.pending)).toBe("mined");
      expect((await shownEnvelope(other, tx.mined)).source).toBe("archive");
      await expectProblem(await askToShow(other, tx.erasedLater), "erased");
      expect(await listed(other)).toEqual(
        expect.arrayContaining((await listed(pipeline)).map(({ id }) => expect.objectContaining({ id }))),
      );
      await checkChain(other);
    } finally {
      await other.close();
    }
  });
});
