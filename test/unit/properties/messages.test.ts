import * as fc from "fast-check";
import * as v from "valibot";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { CommandFailure } from "../../../cli/output/failure.ts";
import { openPrivate } from "../../../cli/privacy/open.ts";
import { PendingPayload } from "../../../shared/chain/transaction.ts";
import { consume, type StageEnv } from "../../../shared/queue/consume.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes, canonicalText, type Json } from "../../../shared/crypto/canonical.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { Envelope } from "../../../shared/crypto/envelope.ts";
import { generateKeyring, loadKeyring, type Keyring } from "../../../shared/crypto/keyring.ts";
import { Permanent } from "../../../shared/runtime/errors.ts";
import type { Problem } from "../../../shared/http/problems.ts";
import { isOfNewerVersion, PersistBlock } from "../../../shared/queue/messages.ts";
import type { StageName } from "../../../shared/pipeline.ts";
import { ipfsGateway, WrongCid } from "../../../shared/storage/ipfs-tier.ts";
import type { EntryRow } from "../../../workers/dead-letters/entries/entry-row.ts";
import type { Env as DeadLettersEnv } from "../../../workers/dead-letters/env.ts";
import { whyInVain } from "../../../workers/dead-letters/replay/in-vain.ts";
import { findEnvelope } from "../../../workers/gateway/resources/private-envelope.ts";
import type { Env as MinerEnv } from "../../../workers/miner/env.ts";
import { openPending } from "../../../workers/miner/open-pending.ts";
import { readExtent } from "../../../workers/storage-verifier/listing/extent.ts";
import { RUBBISH, spoiled } from "../../support/assertions/mutations.ts";
import { nearly } from "../../support/assertions/nearly.ts";
import { PURCHASE, transactionOf } from "../shared/stripe/events.ts";
import { runs } from "../../support/assertions/fast-check.ts";

const spell = (value: unknown) => canonicalText(value as Json);

const isJson = (value: unknown): boolean => {
  try {
    canonicalText(value as Json);
    return value !== undefined;
  } catch {
    return false;
  }
};

/** An R2 bucket in which every object has these bytes. */
const holding = (bytes: Uint8Array) =>
  ({ get: async () => ({ arrayBuffer: async () => bytes.slice().buffer }) }) as unknown as R2Bucket;

/** Returns the replay plan for a parked message of the stage, or for a set-aside transaction. */
async function foretold(stage: StageName, txId: string | null, bytes: Uint8Array) {
  const row = { id: "0".repeat(32), stage, tx_id: txId, reason: "unknown_key" } as EntryRow;
  const head = { openableKeys: async () => null };
  const env = { R2: holding(bytes), CHAIN_HEAD: { getByName: () => head } } as unknown as DeadLettersEnv;
  return (await whyInVain([row], env))[0];
}

const parked = (message: unknown) =>
  canonicalBytes({
    id: "0".repeat(32),
    stage: "tier-persister",
    reason: "retries_exhausted",
    error: "",
    txId: null,
    blockNumber: null,
    firstSeen: 1,
    lastSeen: 1,
    failures: [],
    message: message as Json,
  });

describe("a dead letter", () => {
  it("would fail again exactly when its stage does not take its message, and the reason is in our words", async () => {
    const messages = nearly(fc.constantFrom<unknown>({ v: 1, blockNumber: 7 }, { v: 2, blockNumber: 7 }));
    await fc.assert(
      fc.asyncProperty(messages.filter(isJson), async (message) => {
        const why = await foretold("tier-persister", null, parked(message));
        const isTaken = v.is(PersistBlock, message) || isOfNewerVersion(message);
        expect(why === undefined).toBe(isTaken);
        expect(why ?? "").not.toMatch(/Expected|Invalid/);
      }),
    );
  });

  it("would fail again when its object is not the envelope of its transaction", async () => {
    const txId = `vdc_tx_${"7".repeat(40)}`;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await foretold("miner", txId, bytes)).toContain("damaged");
      }),
    );
  });
});

describe("a message", () => {
  it("is settled once, whatever a queue delivers: done, tried again, or given up with a reason", async () => {
    for (const level of ["log", "warn", "error"] as const)
      vi.spyOn(console, level).mockImplementation(() => {});
    const bodies = fc.oneof(
      nearly(fc.constantFrom<unknown>({ v: 1, blockNumber: 7 }, { v: 2, blockNumber: 7 })),
      fc.anything({ withBigInt: true, withMap: true, withDate: true }),
      fc.constant({ v: 1, blockNumber: 7 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(bodies, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (given, fails) => {
          const fates: string[] = [];
          const letters: unknown[] = [];
          const done: unknown[] = [];
          const messages = given.map((body, i) => ({
            id: `${i}`,
            timestamp: new Date(0),
            attempts: 1,
            body,
            ack: () => void fates.push(`${i}`),
            retry: () => void fates.push(`${i}`),
          }));
          const env = {
            DEAD_LETTER_QUEUE: {
              send: async (letter: unknown) =>
                fails ? Promise.reject(new Error()) : void letters.push(letter),
            },
            MONITOR: { getByName: () => ({ report: async () => {} }) },
          } as unknown as StageEnv;
          const handler = consume("tier-persister", PersistBlock, async (body) => void done.push(body));
          const waiting: Promise<unknown>[] = [];
          const context = { waitUntil: (work: Promise<unknown>) => void waiting.push(work) };
          await handler({ queue: "vdc-tier-persister", messages } as never, env, context);
          await Promise.all(waiting);
          expect(fates.toSorted()).toEqual(given.map((_, i) => `${i}`));
          for (const body of done) expect(v.is(PersistBlock, body)).toBe(true);
          expect(done.length + letters.length).toBeLessThanOrEqual(given.length);
        },
      ),
      { numRuns: runs(100) },
    );
  });
});

describe("what is sealed", () => {
  let keyring: Keyring;
  let payload: ReturnType<typeof transactionOf>;
  beforeAll(async () => {
    keyring = await loadKeyring(await generateKeyring());
    payload = transactionOf(PURCHASE);
  });
  const sealed = (bytes: Uint8Array, txId = payload.txId) => keyring.encryption.active.seal(txId, bytes);

  it("holds a payment as it was made, or the miner sets it aside with a reason", async () => {
    const whole = canonicalBytes(payload.payload);
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled(whole, spell), RUBBISH, fc.constant(whole)), async (bytes) => {
        const R2 = holding(canonicalBytes(await sealed(bytes)));
        const opened = await openPending(payload.txId, false, keyring, { R2 } as unknown as MinerEnv).catch(
          (error: unknown) => error,
        );
        if (Buffer.compare(bytes, whole) === 0) expect(opened).toEqual(payload.payload.transaction);
        else if (opened instanceof Error) expect(opened).toBeInstanceOf(Permanent);
        // A payment is not signed. Other public values make another payment, whose commitment is that of its private
        // part.
        else
          expect(
            canonicalText(v.parse(PendingPayload, JSON.parse(Buffer.from(bytes).toString())) as Json),
          ).toBe(Buffer.from(bytes).toString());
      }),
      { numRuns: runs(100) },
    );
  });

  it("is opened by the operator's keys as what it is, or not at all", async () => {
    const whole = canonicalBytes(payload.payload);
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled(whole, spell), RUBBISH), async (bytes) => {
        const envelope = await sealed(bytes);
        const asked = {
          txId: payload.txId,
          blockNumber: 1,
          source: "archive",
          privateCommitment: null,
          envelope,
        };
        const opened = await openPrivate(asked, keyring).catch((error: unknown) => error);
        if (opened instanceof Error) expect(opened).toBeInstanceOf(CommandFailure);
      }),
      { numRuns: runs(100) },
    );
  });

  it("is not set aside for an envelope that was damaged in any way but with a reason", async () => {
    const envelope = canonicalBytes(await sealed(canonicalBytes(payload.payload)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled(envelope, spell), RUBBISH), async (bytes) => {
        const R2 = holding(bytes);
        await expect(
          openPending(payload.txId, false, keyring, { R2 } as unknown as MinerEnv),
        ).rejects.toBeInstanceOf(Permanent);
      }),
      { numRuns: runs(100) },
    );
  });

  it("is shown to an operator as an envelope, or is not found", async () => {
    const envelope = canonicalBytes(await sealed(new Uint8Array(9)));
    const letters = { getByName: () => ({ letters: async () => [{ stage: "miner", id: "1" }] }) };
    await fc.assert(
      fc.asyncProperty(fc.oneof(spoiled(envelope, spell), RUBBISH), async (bytes) => {
        const env = { R2: holding(bytes), DEAD_LETTERS: letters, CHAIN_ID: "x" } as never;
        const found = await findEnvelope(payload.txId, null, env).catch((error: unknown) => error);
        if (found instanceof Error)
          expect(found).toMatchObject({ slug: "not-found" } satisfies Partial<Problem>);
        else expect(v.is(Envelope, Reflect.get(Object(found), "envelope"))).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe("a hostile service", () => {
  it("can give as an IPFS gateway the bytes of a CID, or none", async () => {
    const file = utf8('{"a":1}');
    const cid = await cidV0(file);
    const answer = fc.record({
      status: fc.constantFrom(200, 206, 204, 301, 404, 410, 429, 500),
      body: fc.oneof(RUBBISH, spoiled(file, spell), fc.constant(file)),
    });
    const gateway = ipfsGateway("https://ipfs.example", 1_000);
    await fc.assert(
      fc.asyncProperty(answer, async ({ status, body }) => {
        const respond = async () => new Response(status === 204 ? null : body, { status });
        const asked = vi.spyOn(globalThis, "fetch").mockImplementation(respond);
        const fetched = await gateway.fetch(cid).catch((error: unknown) => error);
        const serves = await gateway.serves(cid, file).catch((error: unknown) => error);
        asked.mockRestore();
        const same = status !== 204 && Buffer.compare(body, file) === 0;
        if (status < 300)
          expect([fetched instanceof WrongCid, serves]).toEqual(
            same ? [false, true] : [true, expect.any(WrongCid)],
          );
        else if (status === 404 || status === 410) expect([fetched, serves]).toEqual([undefined, false]);
        else expect(fetched).toBeInstanceOf(Error);
        if (fetched instanceof Uint8Array) expect(Buffer.compare(fetched, file)).toBe(0);
      }),
      { numRuns: runs(100) },
    );
  });

  it("can say as KV how far the chain goes, or that nobody can tell", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.option(
          fc.oneof(
            RUBBISH.map((bytes) => new TextDecoder().decode(bytes)),
            nearly(fc.constant({ blockNumber: 7 })).map((value) => JSON.stringify(value)),
          ),
        ),
        async (latest) => {
          const KV = { get: async () => latest, list: async () => ({ keys: [], list_complete: true }) };
          const R2 = { list: async () => ({ objects: [], truncated: false }) };
          const extent = await readExtent({ KV, R2 } as never);
          if ("unclear" in extent) expect(latest).not.toBeNull();
          else expect(extent.highest).toBe(extent.publishedThrough);
        },
      ),
    );
  });
});
