import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { tokenMetadata } from "../../shared/storage/activation-tokens.ts";
import { registrationOf, type ActivationRequest } from "../../shared/api/activation.ts";
import { payloadOfSubmission } from "../../shared/chain/submission.ts";
import type { TxId } from "../../shared/chain/transaction.ts";
import { activationRequest } from "../../shared/client/activation.ts";
import { openMetadata, sealMetadata } from "../../shared/client/user-metadata.ts";
import { fromUtf8 } from "../../shared/crypto/bytes.ts";
import type { Envelope } from "../../shared/crypto/envelope.ts";
import { loadKeyring } from "../../shared/crypto/keyring.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { replaceSealed } from "../../shared/storage/sealed-object.ts";
import type { UserMetadataRecord } from "../../shared/chain/user-metadata.ts";
import { CHAIN_ID, newUser, registration, signed, submitSigned } from "../support/users/accounts.ts";
import { activate, getMetadata, issue, newToken, type Issued } from "../support/users/activation.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { everythingStored } from "../support/chain/chain-state.ts";
import { mine, status, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";

const DAY = 86_400_000;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline.close());
afterEach(async () => {
  if ((await status(pipeline)).counts.waiting > 0) await mine(pipeline); // each test begins without pending transactions
});

/** Makes an activation request of a new user. */
async function requestWith(token: string, timestamp = Date.now()): Promise<ActivationRequest> {
  return activationRequest(CHAIN_ID, token, await newUser(), timestamp);
}

function txIdOf(request: ActivationRequest): TxId {
  return payloadOfSubmission(CHAIN_ID, registrationOf(request)).transaction.id;
}

async function expectActivated(response: Response): Promise<{ txId: string; userId: string; state: string }> {
  const body: { txId: string; userId: string; state: string } = await response.json();
  expect(response.status, JSON.stringify(body)).toBe(202);
  expect(body).toMatchObject({ statusUrl: `/api/vdc/transactions/${body.txId}` });
  return body;
}

async function stored({ tokenHash }: Issued) {
  const object = await pipeline.r2.get(r2Keys.activation(tokenHash));
  if (object === null) throw new Error("the token is not stored");
  const { etag, customMetadata } = object;
  return { etag, customMetadata, envelope: await object.json<Envelope>() };
}

/** Changes the metadata of the token's object. */
async function overwrite(issued: Issued, facts: Parameters<typeof tokenMetadata>[0]): Promise<void> {
  const { envelope } = await stored(issued);
  await pipeline.r2.put(r2Keys.activation(issued.tokenHash), JSON.stringify(envelope), {
    customMetadata: tokenMetadata(facts),
  });
}

async function mineAll(waiting: number) {
  await untilWaiting(pipeline, waiting);
  await mine(pipeline);
  return (await checkChain(pipeline)).at(-1);
}

describe("an activation token", () => {
  it("is told once, and kept as a hash and in an envelope that only the system's key opens [T15]", async () => {
    const hidden = { name: "Grace Hopper", email: "grace@navy.example" };
    const issued = await newToken(pipeline, { private: hidden, reason: "she has come in person" });
    expect(issued.token).toMatch(/^vdc_at_[A-Za-z0-9_-]{43}$/);
    expect(Math.abs(issued.expiresAt - Date.now() - 7 * DAY)).toBeLessThan(60_000);
    const { customMetadata, envelope } = await stored(issued);
    expect(customMetadata).toEqual({ expiresAt: String(issued.expiresAt) });
    expect(envelope.txId).toBe(`vdc_activation:${issued.tokenHash}`);
    const keyring = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
    expect(JSON.parse(fromUtf8(await keyring.encryption.open(envelope)))).toMatchObject({
      expiresAt: issued.expiresAt,
      issuedBy: "unnamed",
      private: hidden,
    });

    await activate(pipeline, await requestWith(issued.token));
    const audit = await (await pipeline.operate("/api/audit?newest=true&limit=2")).text();
    expect(audit).toContain("she has come in person");
    expect(audit).toContain(issued.tokenHash);
    const everything = [
      audit,
      JSON.stringify(await everythingStored(pipeline)),
      JSON.stringify(pipeline.harness.getLogs()),
    ];
    for (const secret of [issued.token, ...Object.values(hidden)])
      for (const text of everything) expect(text.includes(secret)).toBe(false);
    await mineAll(1);
  });

  it("says nothing of what a refused order holds", async () => {
    const order = { private: { name: "Grace Hopper" }, expiresInSeconds: 59 };
    await expectProblem(await issue(pipeline, order), "invalid-body");
    await expectProblem(await issue(pipeline, { private: { note: 7 } }), "invalid-body");
    await expectProblem(await issue(pipeline, []), "invalid-body");
    await expectProblem(await issue(pipeline, { private: ["Grace Hopper"] }), "invalid-body");
    const much = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`n${i}`, "x".repeat(999)]));
    await expectProblem(await issue(pipeline, { private: much }), "body-too-large");
    expect((await issue(pipeline, { private: { half: "\ud800" } })).status).toBe(200);
    expect(await (await pipeline.operate("/api/audit?newest=true&limit=8")).text()).not.toContain("Hopper");
  });

  it("registers its user, with metadata that the server can't read", async () => {
    const { token } = await newToken(pipeline);
    const user = await newUser();
    const request = await activationRequest(CHAIN_ID, token, user, Date.now(), { name: "Ada" });
    const { txId, userId, state } = await expectActivated(await activate(pipeline, request));
    expect([txId, userId, state]).toEqual([txIdOf(request), user.userId, "pending"]);
    const record: UserMetadataRecord = await (await getMetadata(pipeline, userId)).json();
    expect(await openMetadata(CHAIN_ID, user, record)).toEqual({ name: "Ada" });
    const keyring = await loadKeyring(pipeline.secrets.SYSTEM_KEYRING);
    await expect(keyring.encryption.open(record.envelope)).rejects.toMatchObject({ reason: "unknown_key" });

    const block = await mineAll(1);
    expect(block?.transactions).toMatchObject([
      { id: txId, type: "user_registration", data: request.keys, signatures: { user: request.signature } },
    ]);
    expect(await expectActivated(await activate(pipeline, request))).toEqual({
      txId,
      userId,
      state: "mined",
      statusUrl: `/api/vdc/transactions/${txId}`,
    });
  });

  it("registers one of fifty users who try it at once, and tells the others that it was used [T15]", async () => {
    const issued = await newToken(pipeline);
    const requests = await Promise.all(Array.from({ length: 50 }, () => requestWith(issued.token)));
    const outcomes = await Promise.all(
      requests.map(async (request) => {
        const response = await activate(pipeline, request);
        if (response.status === 202) return (await expectActivated(response)).txId;
        await expectProblem(response, "activation-used");
        return null;
      }),
    );
    const [txId, ...more] = outcomes.filter((outcome) => outcome !== null);
    expect(more, "only one").toEqual([]);
    expect((await stored(issued)).customMetadata).toMatchObject({ usedBy: txId });
    const block = await mineAll(1);
    expect(block?.transactions.map(({ id }) => id)).toEqual([txId]);
  });

  it("answers the same request fifty times at once with one transaction", async () => {
    const { token } = await newToken(pipeline);
    const request = await activationRequest(CHAIN_ID, token, await newUser(), Date.now(), { name: "Ada" });
    const txIds = await Promise.all(
      Array.from({ length: 50 }, async () => (await expectActivated(await activate(pipeline, request))).txId),
    );
    expect([...new Set(txIds)]).toEqual([txIdOf(request)]);
    const block = await mineAll(1);
    expect(block?.transactions.map(({ id }) => id)).toEqual([txIdOf(request)]);
  });

  it("is finished by the same request, however late, when a crash came after it was spent", async () => {
    const issued = await newToken(pipeline);
    const long = Date.now() - 3 * DAY;
    const user = await newUser();
    const request = await activationRequest(CHAIN_ID, issued.token, user, long, { name: "Ada" });
    const { envelope, etag } = await stored(issued);
    const sealed = { kind: "activation_token", id: issued.tokenHash, envelope } as const;
    const facts = tokenMetadata({ expiresAt: long + DAY, usedBy: txIdOf(request), usedAt: long });
    expect(await replaceSealed(pipeline.r2, sealed, etag, facts)).toBe(true);

    const another = await activationRequest(CHAIN_ID, issued.token, user, long + 1);
    await expectProblem(await activate(pipeline, another), "activation-used");
    const { txId } = await expectActivated(await activate(pipeline, request));
    expect((await mineAll(1))?.transactions.map(({ id }) => id)).toEqual([txId]);
    expect((await getMetadata(pipeline, user.userId)).status).toBe(200);
  });

  it("can't be spent twice, though its envelope stays: R2 takes one replacement of the object as it was", async () => {
    const issued = await newToken(pipeline);
    const { envelope, etag } = await stored(issued);
    const sealed = { kind: "activation_token", id: issued.tokenHash, envelope } as const;
    const tries = await Promise.all(
      Array.from({ length: 50 }, (_, i) => replaceSealed(pipeline.r2, sealed, etag, { by: String(i) })),
    );
    expect(tries.filter(Boolean)).toHaveLength(1);
    const after = await stored(issued);
    expect(after.customMetadata).toEqual({ by: String(tries.indexOf(true)) });
    expect(after.envelope).toEqual(envelope);
  });

  it("is of no use once it has expired, nor when nobody issued it [T15]", async () => {
    const issued = await newToken(pipeline, { expiresInSeconds: 60 });
    await overwrite(issued, { expiresAt: Date.now() - 1 });
    await expectProblem(await activate(pipeline, await requestWith(issued.token)), "activation-expired");
    await expectProblem(await activate(pipeline, await requestWith(`vdc_at_${"A".repeat(43)}`)), "not-found");
    await expectProblem(await activate(pipeline, await requestWith("vdc_at_short")), "invalid-body");
  });

  it("is not spent by a request that is refused", async () => {
    const issued = await newToken(pipeline);
    const { token } = issued;
    const user = await newUser();
    const other = await newUser();
    const good = await activationRequest(CHAIN_ID, token, user, Date.now(), { name: "Ada" });
    const foreign = await activationRequest("vdc-other", token, user, good.timestamp);
    const others = await activationRequest(CHAIN_ID, token, other, good.timestamp, { name: "Eve" });
    const mixed = { signingKey: user.signingKey, encryptionKey: other.encryptionKey };
    const refused: [slug: Parameters<typeof expectProblem>[1], request: ActivationRequest][] = [
      ["invalid-user-signature", { ...good, timestamp: good.timestamp + 1 }],
      ["invalid-user-signature", { ...good, signature: others.signature }],
      ["invalid-user-signature", { ...good, keys: mixed }],
      ["invalid-user-signature", foreign],
      ["invalid-body", { ...good, encryptedMetadata: others.encryptedMetadata }],
      [
        "invalid-body",
        {
          ...good,
          encryptedMetadata: await sealMetadata(
            CHAIN_ID,
            { ...user, seal: (name, text) => other.seal(name, text) },
            1,
            { name: "Ada" },
          ),
        },
      ],
      [
        "invalid-user-signature",
        { ...good, encryptedMetadata: { ...(good.encryptedMetadata as UserMetadataRecord), version: 2 } },
      ],
      ["timestamp-outside-window", await activationRequest(CHAIN_ID, token, user, Date.now() - DAY)],
      ["timestamp-outside-window", await activationRequest(CHAIN_ID, token, user, Date.now() + DAY)],
    ];
    for (const [slug, request] of refused)
      await expectProblem(await activate(pipeline, request), slug, JSON.stringify(request.timestamp));
    expect((await stored(issued)).customMetadata).toEqual({ expiresAt: String(issued.expiresAt) });
    expect((await getMetadata(pipeline, user.userId)).status).toBe(404);
    await expectActivated(await activate(pipeline, good));
    await mineAll(1);
  });

  it("is not spent on a user whom another transaction has registered", async () => {
    const user = await newUser();
    const first = await submitSigned(pipeline, await signed(user, registration(user)));
    await mineAll(1);
    const issued = await newToken(pipeline);
    const request = await activationRequest(CHAIN_ID, issued.token, user, Date.now());
    expect(txIdOf(request)).not.toBe(first);
    await expectProblem(await activate(pipeline, request), "already-exists");
    expect((await stored(issued)).customMetadata).toEqual({ expiresAt: String(issued.expiresAt) });
  });
});
