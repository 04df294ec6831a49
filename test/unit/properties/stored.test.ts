import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { blockBytes } from "../../../shared/chain/block.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import type { Json } from "../../../shared/crypto/canonical.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import { readTokenMetadata, tokenMetadata } from "../../../shared/storage/activation-tokens.ts";
import { blockRecord, kvTier, type BlockRecord } from "../../../shared/storage/kv-tier.ts";
import {
  blockNumberOfKvKey,
  blockNumberOfR2Key,
  blockNumberOfSealedKey,
  documentEntryOfKey,
  documentIdOfDocumentKey,
  kvKeys,
  r2Keys,
  txIdOfErasedKey,
  txIdOfIntentKey,
  txIdOfPendingKey,
  txIdOfSetAsideKey,
} from "../../../shared/storage/layout.ts";
import { deadLetterQueueName } from "../../../shared/pipeline.ts";
import { pendingMetadata, readPendingMetadata } from "../../../shared/storage/pending.ts";
import { readStagedMetadata, stagedMetadata } from "../../../shared/storage/staged.ts";
import { readPrivateArchive } from "../../../shared/storage/private-archive.ts";
import type { BlockCopy, Tier } from "../../../shared/storage/tier.ts";
import { archivePrivateParts } from "../../../workers/pending-cleaner/archive-private.ts";
import type { Env as CleanerEnv } from "../../../workers/pending-cleaner/env.ts";
import { park } from "../../../workers/dead-letters/entries/park.ts";
import { recordFrom } from "../../../workers/dead-letters/entries/record.ts";
import { TestIndex } from "../../support/chain/dead-letter-index.ts";
import { RUBBISH, spoiled } from "../../support/assertions/mutations.ts";
import { chainOf } from "../cli/chains.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { CHARACTER } from "../../support/assertions/character.ts";

const silent: Log = { info() {}, warn() {}, error() {}, with: () => silent };

const hexOf = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const txIds = hexOf(40).map((digits) => `vdc_tx_${digits}`);
const numbers = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));

describe("a key", () => {
  const all: readonly (readonly [
    string,
    (key: string) => unknown,
    fc.Arbitrary<readonly [key: string, of: unknown]>,
  ])[] = [
    ["a block in KV", blockNumberOfKvKey, numbers.map((n) => [kvKeys.block(n), n])],
    ["a block in R2", blockNumberOfR2Key, numbers.map((n) => [r2Keys.block(n), n])],
    [
      "staged bytes",
      blockNumberOfSealedKey,
      fc.tuple(numbers, hexOf(64)).map(([n, hash]) => [r2Keys.sealed(n, hash), n]),
    ],
    [
      "a document entry",
      documentEntryOfKey,
      fc
        .tuple(hexOf(64), numbers, fc.nat({ max: 999_999 }))
        .map(([sha256, blockNumber, index]) => [
          kvKeys.documentEntry(sha256, blockNumber, index),
          { sha256, blockNumber, index },
        ]),
    ],
    ["a pending object", txIdOfPendingKey, txIds.map((id) => [r2Keys.pending(id), id])],
    ["a set-aside object", txIdOfSetAsideKey, txIds.map((id) => [r2Keys.setAside(id), id])],
    ["an erasure", txIdOfErasedKey, txIds.map((id) => [r2Keys.erased(id), id])],
    ["an intent", txIdOfIntentKey, txIds.map((id) => [r2Keys.intent(id), id])],
    ["a document", documentIdOfDocumentKey, hexOf(64).map((id) => [r2Keys.document(id), id])],
  ];

  it.for(all)("tells of %s what it is of, and nobody else's does", ([, read, keys]) => {
    fc.assert(
      fc.property(keys, ([key, of]) => {
        expect(read(key)).toEqual(of);
        for (const odd of [
          `${key}\n`,
          `/${key}`,
          key.toUpperCase(),
          `${key}x`,
          ` ${key}`,
          key.replace(/[^/:]*$/, "x/$&"),
          `x${key}`,
        ])
          expect(read(odd), odd).toBeUndefined();
      }),
    );
  });

  it.for(all)("has no second spelling for %s", ([, read]) => {
    for (const prefix of ["vdc:block:", "blocks/", "sealed/"])
      for (const odd of ["01", "-1", "+1", "1e3", "1.0", "", "１", "0x1"])
        for (const end of ["", ".json", `/${"0".repeat(64)}.json`])
          expect(read(`${prefix}${odd}${end}`), `${prefix}${odd}${end}`).toBeUndefined();
  });
});

/** Custom metadata as R2 may hold it: texts by name. */
const anyMetadata = fc.option(
  fc.dictionary(
    fc.constantFrom("timestamp", "size", "pays", "paid", "expiresAt", "usedBy", "usedAt", "__proto__", "x"),
    fc.oneof(
      numbers.map(String),
      txIds,
      fc.string({ unit: CHARACTER, maxLength: 20 }),
      fc.constantFrom("true", "false", "", "-1", "1e3", "9".repeat(16), "9".repeat(17), "١٢", "1\n", " 1"),
    ),
  ),
  { nil: undefined },
);

describe("custom metadata", () => {
  it("is read as it was written", () => {
    const facts = fc.record(
      {
        timestamp: numbers,
        size: numbers,
        pays: txIds,
        grants: hexOf(64),
        needs: hexOf(64),
        paid: fc.constant(true),
      },
      { requiredKeys: ["timestamp", "size"] },
    );
    const token = fc.record(
      { expiresAt: numbers, usedBy: txIds, usedAt: numbers },
      { requiredKeys: ["expiresAt"] },
    );
    fc.assert(
      fc.property(facts, token, (one, other) => {
        expect(readPendingMetadata(pendingMetadata(one))).toEqual(one);
        expect(readTokenMetadata(tokenMetadata(other))).toEqual(other);
      }),
    );
  });

  it("is read, on staged bytes, as the reservation that was told, and on other bytes as none", () => {
    const from = fc.record({ life: fc.string(), revision: fc.maxSafeNat() });
    fc.assert(
      fc.property(from, anyMetadata, (told, metadata) => {
        expect(readStagedMetadata(stagedMetadata(told))).toEqual(told);
        const read = readStagedMetadata(metadata);
        expect(read === undefined || Number.isSafeInteger(read.revision)).toBe(true);
      }),
    );
  });

  it("is read as nothing, or as sound numbers and ids, when somebody else wrote it", () => {
    fc.assert(
      fc.property(anyMetadata, (metadata) => {
        for (const read of [readPendingMetadata(metadata), readTokenMetadata(metadata)])
          for (const [name, value] of Object.entries(read ?? {}))
            expect(
              name.startsWith("pays") || name === "usedBy"
                ? String(value).startsWith("vdc_tx_")
                : name === "paid"
                  ? value === true
                  : Number.isSafeInteger(value),
            ).toBe(true);
      }),
      { numRuns: runs(100) },
    );
  });
});

function tierWith(value: string | null, metadata: unknown): Tier {
  const kv = { getWithMetadata: async () => ({ value, metadata }) } as unknown as KVNamespace;
  return kvTier(kv, { gatewayUrl: "https://ipfs.example", now: () => 1 });
}

describe("a block in KV", () => {
  let copy: BlockCopy;
  let kept: BlockRecord;
  beforeAll(async () => {
    const [, block] = await chainOf(2);
    if (block === undefined) throw new Error("no block");
    const bytes = blockBytes(block);
    copy = { block, bytes, cid: await cidV0(bytes) };
    kept = blockRecord(copy, { gatewayUrl: "https://ipfs.example", now: () => 1 });
  });

  it("counts only when its bytes are the block's, its CID and its hash are right", async () => {
    const { block, bytes, cid } = copy;
    const metadata = { hash: block.hash, ipfsHash: cid };
    const whole = utf8(JSON.stringify(kept));
    const other = fc
      .oneof(spoiled(whole, JSON.stringify), RUBBISH)
      .map((bytes) => new TextDecoder().decode(bytes));
    await fc.assert(
      fc.asyncProperty(other, async (value) => {
        const holding = await tierWith(value, metadata).read({ blockNumber: 1, cid, hash: block.hash });
        expect(holding.state).toBe("present");
        if (holding.state !== "present" || holding.wrong !== undefined) return;
        // A reader that counts a copy compares its bytes with the block's. Equal bytes have equal values.
        if (Buffer.compare(holding.bytes, bytes) === 0) {
          const { ipfsHash, ipfsGatewayUrl: _, storage: __, ...shown } = JSON.parse(value) as BlockRecord;
          expect(ipfsHash).toBe(cid);
          expect(shown).toEqual(block);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it("does not count with any other metadata", async () => {
    const { block, cid } = copy;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (metadata) => {
        const holding = await tierWith(JSON.stringify(kept), metadata).read({
          blockNumber: 1,
          cid,
          hash: block.hash,
        });
        expect(holding).toHaveProperty("wrong");
      }),
    );
  });
});

/** Objects in memory, by key, with the methods of R2 that the cleaner needs. */
function bucketOf(objects: Map<string, Uint8Array>): R2Bucket {
  return {
    head: async (key: string) => objects.get(key) ?? null,
    get: async (key: string) => {
      const bytes = objects.get(key);
      return bytes === undefined ? null : { arrayBuffer: async () => bytes.slice().buffer };
    },
    put: async (key: string, bytes: Uint8Array) => void objects.set(key, bytes),
  } as unknown as R2Bucket;
}

describe("the private parts of a block", () => {
  it("are archived, whatever the pending objects hold by then: one that is damaged keeps no other out", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(RUBBISH, { minLength: 1, maxLength: 3 }), async (damaged) => {
        const txIds = damaged.map((_, i) => `vdc_tx_${String(i).padStart(40, "0")}`);
        const objects = new Map(damaged.map((bytes, i) => [r2Keys.pending(txIds[i] ?? ""), bytes]));
        const R2 = bucketOf(objects);
        await archivePrivateParts(1, txIds, [], { R2 } as unknown as CleanerEnv, silent);
        const archive = await readPrivateArchive(R2, 1);
        expect(archive).toMatchObject({ blockNumber: 1, missing: [] });
        for (const [i, txId] of txIds.entries()) {
          const kept = archive?.envelopes[txId] as { damaged?: string };
          const bytes = damaged[i] ?? new Uint8Array();
          if (kept?.damaged !== undefined)
            expect(kept.damaged).toBe(Buffer.from(bytes).toString("base64url"));
          else expect(kept).toEqual(JSON.parse(Buffer.from(bytes).toString()));
        }
      }),
    );
  });
});

const deep = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown;

describe("a dead letter", () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const bodies = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
    fc.jsonValue({ stringUnit: CHARACTER }),
    fc.constantFrom(
      cyclic,
      deep(98),
      deep(99),
      deep(100),
      deep(101),
      deep(102),
      deep(50_000),
      undefined,
      1n,
      "\ud800",
    ),
    fc.record({
      v: fc.constantFrom(1, 2),
      kind: fc.constant("dead_letter"),
      stage: fc.constantFrom("miner", "later"),
      reason: fc.constantFrom("missing", "later"),
      error: fc.string({ unit: CHARACTER }),
      attempts: fc.nat({ max: 200 }).map((n) => n + 1),
      failedAt: fc.nat(),
      message: fc.oneof(fc.jsonValue(), fc.constantFrom(deep(99), deep(101), cyclic)),
    }),
  );

  it("is parked, whatever a queue can hold, once, and reads back as it was kept", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const index = new TestIndex();
        const message = { id: "m", timestamp: new Date(index.now), attempts: 1, body } as Message;
        for (let times = 0; times < 2; times++)
          await park(message, deadLetterQueueName("miner"), index.env, silent);
        expect(index.records.size).toBe(1);
        for (const text of index.records.values()) {
          const record = recordFrom(utf8(text));
          expect(record).toEqual(JSON.parse(text) as Json);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  it("is an error, and no other letter, when it was damaged in R2", () => {
    fc.assert(
      fc.property(RUBBISH, (bytes) => {
        expect(() => recordFrom(bytes)).toThrow(Error);
      }),
    );
  });
});
