import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RecordFolder } from "../../../cli/records/folder.ts";
import { erasedBy, withoutErased } from "../../../cli/records/erased.ts";
import type { AuditEntry } from "../../../shared/chain/audit-chain.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes, canonicalText } from "../../../shared/crypto/canonical.ts";
import type { Envelope } from "../../../shared/crypto/envelope.ts";
import {
  archiveBytes,
  archiveIn,
  completedArchive,
  missingPrivateParts,
  type PrivateArchive,
} from "../../../shared/storage/private-archive.ts";
import {
  bytesOfRecord,
  jsonIn,
  recordPlace,
  RECORD_KINDS,
  recordIdOf,
  recordKey,
  storedRecord,
  type RecordKind,
} from "../../../shared/storage/records.ts";
import { damaged, RUBBISH } from "../../support/assertions/mutations.ts";
import { runs } from "../../support/assertions/fast-check.ts";

const txIdOf = (n: number) => `vdc_tx_${n.toString(16).padStart(40, "0")}`;
const TX_IDS = [0, 1, 2, 3].map(txIdOf);

const envelopeOf = (txId: string): Envelope => ({
  v: 1,
  suite: "HPKE-0041-0001-0002",
  kid: "a".repeat(64),
  txId,
  enc: "A".repeat(1_451),
  ct: "AAAAAAAAAAAAAAAAAAAAAA",
});

/** An archive of a block with these transactions. Each has its envelope, a damaged one or none, or is erased. */
const archives: fc.Arbitrary<PrivateArchive> = fc
  .tuple(...TX_IDS.map(() => fc.constantFrom("there", "damaged", "missing", "erased")))
  .map((states) => {
    const those = (wanted: string) => TX_IDS.filter((_, i) => states[i] === wanted);
    return {
      blockNumber: 7,
      envelopes: Object.fromEntries([
        ...those("there").map((txId) => [txId, envelopeOf(txId)] as const),
        ...those("damaged").map((txId) => [txId, { damaged: "AA" }] as const),
      ]),
      missing: those("missing"),
      erased: those("erased"),
    };
  });

const block = {
  transactions: TX_IDS.map((id) => ({ id, privateCommitment: "b".repeat(64) })),
} as unknown as Parameters<typeof missingPrivateParts>[0];

const lacking = (archive: PrivateArchive) => missingPrivateParts(block, archive);

describe("a private archive", () => {
  it("has what either had when it is completed, and nothing that was erased from it", () => {
    fc.assert(
      fc.property(archives, archives, (present, copy) => {
        const completed = completedArchive(present, copy);
        expect(lacking(completed)).toEqual(lacking(present).filter((txId) => lacking(copy).includes(txId)));
        for (const txId of present.erased ?? []) expect(completed.envelopes[txId]).toBeUndefined();
        for (const [txId, envelope] of Object.entries(present.envelopes))
          if (!lacking(present).includes(txId)) expect(completed.envelopes[txId]).toEqual(envelope);
        expect(completedArchive(completed, copy)).toEqual(completed);
        expect(completedArchive(present, present)).toEqual(present);
      }),
    );
  });

  it("is missing whole when its bytes are rubbish", () => {
    fc.assert(
      fc.property(RUBBISH, (bytes) => {
        expect(missingPrivateParts(block, archiveIn(bytes))).toEqual(TX_IDS);
      }),
    );
  });
});

const IDS: Readonly<Record<RecordKind, string>> = {
  erasure: txIdOf(1),
  private_archive: "12",
  activation_token: "c".repeat(64),
  user_metadata: "d".repeat(64),
  signed_intent: txIdOf(2),
  pending_transaction: txIdOf(3),
  set_aside_transaction: txIdOf(4),
  dead_letter: `miner/${"e".repeat(32)}`,
};

describe("a record", () => {
  it.for(RECORD_KINDS)("%s is found by its key, and a foreign key is none", (kind) => {
    const key = recordKey(kind, IDS[kind]) ?? "";
    expect(recordIdOf(kind, key)).toBe(IDS[kind]);
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        const id = recordIdOf(kind, `${recordPlace(kind).prefix}${text}`);
        if (id !== undefined) expect(recordKey(kind, id)).toBe(`${recordPlace(kind).prefix}${text}`);
      }),
    );
  });

  it("gives its bytes back, and none that were altered", async () => {
    await fc.assert(
      fc.asyncProperty(RUBBISH, RUBBISH, async (bytes, others) => {
        const record = await storedRecord("erasure", IDS.erasure, bytes);
        expect(await bytesOfRecord(record)).toEqual(bytes);
        const other = await storedRecord("erasure", IDS.erasure, others);
        const swapped = await bytesOfRecord({ ...record, bytes: other.bytes });
        if (other.sha256 !== record.sha256) expect(swapped).toBeTypeOf("string");
        expect(() => jsonIn(bytes)).not.toThrow();
      }),
      { numRuns: runs(30) },
    );
  });

  it("comes back without what was erased since it was exported", async () => {
    await fc.assert(
      fc.asyncProperty(archives, fc.subarray(TX_IDS), async (archive, gone) => {
        const record = await storedRecord("private_archive", "7", archiveBytes(archive));
        const left = await withoutErased(record, new Set(gone));
        const bytes = left && (await bytesOfRecord(left));
        const kept = typeof bytes === "object" ? archiveIn(bytes) : undefined;
        expect(Object.keys(kept?.envelopes ?? {})).toEqual(
          Object.keys(archive.envelopes)
            .filter((txId) => !gone.includes(txId))
            .toSorted(),
        );
        const intent = await storedRecord("signed_intent", TX_IDS[0] ?? "", utf8("{}"));
        expect(await withoutErased(intent, new Set(gone))).toBe(
          gone.includes(TX_IDS[0] ?? "") ? undefined : intent,
        );
        const letter = canonicalBytes({ message: { envelope: { txId: TX_IDS[0] ?? "" } } });
        const parked = await storedRecord("dead_letter", IDS.dead_letter, letter);
        expect((await withoutErased(parked, new Set(gone))) === undefined).toBe(
          gone.includes(TX_IDS[0] ?? ""),
        );
      }),
    );
  });

  it("may hold rubbish, whatever its kind: it comes back as it is", async () => {
    await fc.assert(
      fc.asyncProperty(RUBBISH, fc.constantFrom(...RECORD_KINDS), async (bytes, kind) => {
        const record = await storedRecord(kind, IDS[kind], bytes);
        expect(await withoutErased(record, new Set([txIdOf(9)]))).toBe(record);
      }),
    );
  });

  it("was erased when the audit log says that it was done", () => {
    const entry = (outcome: object | null, target = `/api/privacy/${txIdOf(1)}/erase`) =>
      ({ action: "POST /api/privacy/:txId/erase", target, outcome }) as unknown as AuditEntry;
    expect(erasedBy(entry({ problem: null }))).toBe(txIdOf(1));
    expect(erasedBy(entry({ problem: "not-ready" }))).toBeUndefined();
    expect(erasedBy(entry(null))).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (target) => {
        expect(erasedBy(entry({ problem: null }, target))).toBeUndefined();
      }),
    );
  });
});

describe("a folder of records", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "vdc-records-"));
    mkdirSync(join(directory, "erasure"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("gives a record back as it was written, and refuses a file that was damaged", async () => {
    const folder = new RecordFolder(directory);
    const record = await storedRecord("erasure", IDS.erasure, utf8("{}"), { a: "b" });
    const kept = { version: "1", record };
    const file = join(directory, "erasure", `${IDS.erasure}.json`);
    await folder.write(kept);
    expect(await folder.read("erasure", IDS.erasure)).toEqual(kept);
    expect(await Array.fromAsync(folder.ids("erasure"))).toEqual([IDS.erasure]);
    expect(await folder.read("erasure", txIdOf(2))).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(damaged(utf8(canonicalText(kept))), async (bytes) => {
        writeFileSync(file, bytes);
        const [read] = await Promise.allSettled([folder.read("erasure", IDS.erasure)]);
        if (read.status === "rejected") expect(read.reason).toMatchObject({ exitCode: 6 });
        else expect(read.value?.record).toMatchObject({ bytes: record.bytes, sha256: record.sha256 });
      }),
      { numRuns: runs(50) },
    );
  });
});
