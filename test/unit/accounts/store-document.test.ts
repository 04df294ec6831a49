import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DocumentRecord, signedDocumentBytes } from "../../../shared/chain/document.ts";
import { sealDocument } from "../../../shared/client/documents.ts";
import { generateUserKeys, importUserKeys } from "../../../shared/client/user-keys.ts";
import { fromUtf8, utf8 } from "../../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../../shared/crypto/canonical.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { DOCUMENT } from "../../../shared/crypto/contexts.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { OwnedDocument } from "../../../shared/storage/documents.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import { PolicyViolation } from "../../../shared/storage/policies.ts";
import { DOCUMENT_MEMORY, documentMemory } from "../../../workers/accounts/documents/memory.ts";
import { storeDocument, StoredByAnother } from "../../../workers/accounts/documents/store-document.ts";
import { sweepUnfinished } from "../../../workers/accounts/documents/sweep-uploads.ts";
import { HOLD } from "../../../workers/accounts/documents/uploads.ts";
import { MemoryTiers, type Fault } from "../../support/memory-tiers.ts";
import { runs } from "../../support/fast-check.ts";
import { CHAIN_ID } from "../../support/accounts.ts";
import { UNLESS_IT_HANGS } from "../../support/patience.ts";

const SILENT: Log = { info() {}, warn() {}, error() {}, with: () => SILENT };

let owned: OwnedDocument;
/** The same envelope with another signature: the same id, other bytes, another CID. */
let signedAgain: OwnedDocument;
beforeAll(async () => {
  const user = await importUserKeys(generateUserKeys());
  const { id, bytes } = await sealDocument(CHAIN_ID, utf8("my will"), user);
  const { envelope } = JSON.parse(fromUtf8(bytes)) as { envelope: Record<string, string | number> };
  const signature = await user.sign(signedDocumentBytes(CHAIN_ID, id), DOCUMENT);
  const ownedOf = async (record: Uint8Array<ArrayBuffer>) => ({
    document: await DocumentRecord.read(record),
    cid: await cidV0(record),
    encryptionKeyId: user.encryptionKey.keyId,
  });
  owned = await ownedOf(bytes);
  signedAgain = await ownedOf(canonicalBytes({ envelope, signature }));
  if (signedAgain.document.id !== owned.document.id || signedAgain.cid === owned.cid)
    throw new Error("these are not two records of one document");
});

const documentKey = () => r2Keys.document(owned.document.id);
const uploadKey = () => r2Keys.upload(owned.document.id);

/** Expects the document in both tiers or in neither, and no other pin. */
function expectBothOrNeither(memory: MemoryTiers): void {
  const cid = memory.objects.get(documentKey())?.customMetadata?.cid;
  expect([...memory.pins]).toEqual(cid === undefined ? [] : [cid]);
}

/** Expects the index to list the document that R2 holds. */
function expectIndexed(memory: MemoryTiers): void {
  expect(memory.index.get(owned.document.id)).toBe(memory.objects.get(documentKey())?.customMetadata?.cid);
}

async function sweepLater(memory: MemoryTiers): Promise<void> {
  memory.turn = async () => {};
  memory.fault = () => undefined;
  memory.clock += 3 * 3_600_000;
  await sweepUnfinished(memory.tiers(), SILENT);
  expect(memory.objects.has(uploadKey()), "its note").toBe(false);
  expectBothOrNeither(memory);
  expectIndexed(memory);
}

describe("storing a document", () => {
  it("notes what it will pin before it pins, puts it into R2 and then into the index, and leaves no note", async () => {
    const memory = new MemoryTiers();
    const done: string[] = [];
    memory.turn = async (what) => void done.push(what);
    const stored = await storeDocument(owned, memory.tiers(), SILENT);
    expect(stored).toEqual({
      cid: owned.cid,
      owner: owned.document.owner,
      bytes: owned.document.bytes.length,
    });
    const order = [
      `put ${uploadKey()}`,
      "pin",
      "serves",
      `put ${documentKey()}`,
      "index",
      `delete ${uploadKey()}`,
    ];
    expect(done.filter((what) => order.includes(what))).toEqual(order);
    expectBothOrNeither(memory);
    expect(memory.objects.has(uploadKey())).toBe(false);
  });

  it("again answers what is there, and does nothing", async () => {
    const memory = new MemoryTiers();
    const stored = await storeDocument(owned, memory.tiers(), SILENT);
    const done: string[] = [];
    memory.turn = async (what) => void done.push(what);
    expect(await storeDocument(owned, memory.tiers(), SILENT)).toEqual(stored);
    expect(await storeDocument(signedAgain, memory.tiers(), SILENT)).toEqual(stored);
    expect(done.filter((what) => /^(?:put|pin|unpin)/.test(what))).toEqual([]);
  });

  it("keeps what is sealed to another key than the owner's out of both tiers", async () => {
    const memory = new MemoryTiers();
    const foreign = { ...owned, encryptionKeyId: "0".repeat(64) };
    await expect(storeDocument(foreign, memory.tiers(), SILENT)).rejects.toBeInstanceOf(PolicyViolation);
    expect([...memory.pins, ...[...memory.objects.keys()].filter((key) => key === documentKey())]).toEqual(
      [],
    );
  });

  const FAULTS = [
    "pin",
    "serves",
    "put documents",
    "head documents",
    "put uploads",
    "delete uploads",
    "unpin",
    "index",
  ].flatMap((what) =>
    (["before", "after"] as const).flatMap((fault) => [1, 100].map((times) => ({ what, fault, times }))),
  );
  it.each(FAULTS)(
    "is in both or in neither when $what fails ($fault it is done, $times times)",
    async (given) => {
      const memory = new MemoryTiers();
      let left = given.times;
      memory.fault = (what) => (what.startsWith(given.what) && left-- > 0 ? given.fault : undefined);
      const [outcome] = await Promise.allSettled([storeDocument(owned, memory.tiers(), SILENT)]);
      if (outcome.status === "fulfilled") {
        expectBothOrNeither(memory);
        expectIndexed(memory);
      }
      if (memory.objects.has(documentKey())) expect([...memory.pins]).toEqual([owned.cid]);
      memory.fault = () => undefined;
      const again = structuredClone([...memory.objects.keys()]);
      if (!again.includes(uploadKey()) || outcome.status === "rejected") memory.clock += HOLD;
      await storeDocument(owned, memory.tiers(), SILENT);
      expectBothOrNeither(memory);
      await sweepLater(memory);
      expect(memory.objects.has(documentKey())).toBe(true);
    },
  );

  it("is taken back at once when R2 does not take it, and can be tried again at once", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (what === `put ${documentKey()}` ? "before" : undefined);
    await expect(storeDocument(owned, memory.tiers(), SILENT)).rejects.toThrow("failed");
    expectBothOrNeither(memory);
    memory.fault = () => undefined;
    await storeDocument(owned, memory.tiers(), SILENT);
    expectBothOrNeither(memory);
  });

  it("of which R2 said that it failed, though it was done, is answered as stored", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (what === `put ${documentKey()}` ? "after" : undefined);
    expect(await storeDocument(owned, memory.tiers(), SILENT)).toMatchObject({ cid: owned.cid });
    expectBothOrNeither(memory);
  });

  it("is refused while another request stores it, and takes over what a crash has left", async () => {
    const memory = new MemoryTiers();
    memory.turn = async (what) => {
      if (what === "serves") await new Promise(() => {}); // the Worker has died
    };
    void storeDocument(owned, memory.tiers(), SILENT);
    await expect.poll(() => memory.pins.size, UNLESS_IT_HANGS).toBe(1);
    memory.turn = async () => {};
    await expect(storeDocument(signedAgain, memory.tiers(), SILENT)).rejects.toBeInstanceOf(StoredByAnother);
    memory.clock += HOLD;
    expect(await storeDocument(signedAgain, memory.tiers(), SILENT)).toMatchObject({ cid: signedAgain.cid });
    expectBothOrNeither(memory);
    await sweepLater(memory);
  });

  it("is swept after an hour and not before, when a crash has left it pinned only", async () => {
    const memory = new MemoryTiers();
    const crashed = Promise.withResolvers<void>();
    memory.turn = async (what) => {
      if (what !== `put ${documentKey()}`) return;
      crashed.resolve();
      await new Promise(() => {});
    };
    void storeDocument(owned, memory.tiers(), SILENT);
    await crashed.promise;
    expect(memory.pins.size).toBe(1);
    memory.turn = async () => {};
    memory.clock += 3_500_000;
    await sweepUnfinished(memory.tiers(), SILENT);
    expect([...memory.pins]).toEqual([owned.cid]);
    await sweepLater(memory);
    expect(memory.objects.size).toBe(0);
  });

  it("is pinned again by the sweep when an unpin that failed was done after all, once it had been sent again", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (/^(?:put documents|unpin)/.test(what) ? "before" : undefined);
    await expect(storeDocument(owned, memory.tiers(), SILENT)).rejects.toThrow("failed");
    memory.fault = () => undefined;
    await storeDocument(owned, memory.tiers(), SILENT);
    memory.pins.delete(owned.cid);
    await sweepLater(memory);
    expect([...memory.pins]).toEqual([owned.cid]);
  });

  it("is swept beside large documents in memory when R2 holds nothing of it", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (what.startsWith("put documents") ? "before" : undefined);
    await expect(storeDocument(owned, memory.tiers(), SILENT)).rejects.toThrow("failed");
    const loan = documentMemory.loan();
    loan.extendTo(DOCUMENT_MEMORY);
    await sweepLater(memory);
    loan.end();
  });

  it("is not swept beside large documents in memory when R2 holds it, for pinning it again would take as much", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (what.startsWith("delete") ? "before" : undefined);
    await storeDocument(owned, memory.tiers(), SILENT);
    memory.clock += 2 * 3_600_000;
    const loan = documentMemory.loan();
    loan.extendTo(DOCUMENT_MEMORY - owned.document.bytes.length + 1);
    await sweepUnfinished(memory.tiers(), SILENT);
    expect(memory.objects.has(uploadKey())).toBe(true);
    loan.extendTo(DOCUMENT_MEMORY - owned.document.bytes.length);
    await sweepLater(memory);
    loan.end();
  });

  it("is finished by the sweep when it is in R2 and its pin was lost", async () => {
    const memory = new MemoryTiers();
    memory.fault = (what) => (what.startsWith("delete") ? "before" : undefined);
    await storeDocument(owned, memory.tiers(), SILENT);
    memory.pins.clear();
    await sweepLater(memory);
    expect([...memory.pins]).toEqual([owned.cid]);
  });
});

describe("a document that R2 has lost", () => {
  it("keeps its pin, which is all that is left of it, when R2 does not take it again", async () => {
    const memory = new MemoryTiers();
    await storeDocument(owned, memory.tiers(), SILENT);
    memory.objects.clear();
    memory.fault = (what) => (what === `put ${documentKey()}` ? "before" : undefined);
    await expect(storeDocument(owned, memory.tiers(), SILENT)).rejects.toThrow("failed");
    expect([...memory.pins]).toEqual([owned.cid]);
    memory.fault = () => undefined;
    memory.clock += 3 * 3_600_000;
    await sweepUnfinished(memory.tiers(), SILENT);
    expect([...memory.pins]).toEqual([owned.cid]);
    await storeDocument(owned, memory.tiers(), SILENT);
    expectBothOrNeither(memory);
  });
});

/** Holds the nth operation of this name back until the test releases it. */
function gate(memory: MemoryTiers, what: string, nth = 1) {
  const reached = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  const others = memory.turn;
  let seen = 0;
  memory.turn = async (now) => {
    await others(now);
    if (!now.startsWith(what) || ++seen !== nth) return;
    reached.resolve();
    await open.promise;
  };
  return { reached: reached.promise, open: () => open.resolve() };
}

describe("a request that was so slow that another has taken over", () => {
  it("does not take back what the other is about to finish", async () => {
    const memory = new MemoryTiers();
    const slow = gate(memory, "serves");
    const first = storeDocument(owned, memory.tiers(), SILENT);
    await slow.reached;
    memory.clock += HOLD;
    const finishing = gate(memory, "put documents");
    const second = storeDocument(owned, memory.tiers(), SILENT);
    await finishing.reached;
    slow.open();
    await expect(first).rejects.toThrow("given up");
    finishing.open();
    await second;
    expectBothOrNeither(memory);
    await sweepLater(memory);
  });

  it("pins again what the sweep has taken back before its put came", async () => {
    const memory = new MemoryTiers();
    const slow = gate(memory, "put documents");
    const upload = storeDocument(owned, memory.tiers(), SILENT);
    await slow.reached;
    memory.clock += 2 * 3_600_000;
    await sweepUnfinished(memory.tiers(), SILENT);
    expect(memory.pins.size).toBe(0);
    slow.open();
    expect(await upload).toMatchObject({ cid: owned.cid });
    expectBothOrNeither(memory);
  });

  it("stays in both tiers when its put comes while the sweep takes its pin back", async () => {
    const memory = new MemoryTiers();
    const slow = gate(memory, "put documents");
    const upload = storeDocument(owned, memory.tiers(), SILENT);
    await slow.reached;
    memory.clock += 2 * 3_600_000;
    const takingBack = gate(memory, "unpin");
    const sweep = sweepUnfinished(memory.tiers(), SILENT);
    await takingBack.reached;
    slow.open();
    expect(await upload).toMatchObject({ cid: owned.cid });
    takingBack.open();
    await sweep;
    expect(memory.objects.has(documentKey())).toBe(true);
    expectBothOrNeither(memory);
  });
});

describe("storing the same document several times at once", () => {
  const operations = [
    "get uploads",
    "put uploads",
    "delete",
    "head",
    "pin",
    "serves",
    "unpin",
    "put documents",
    "index",
  ];
  const moment = { what: fc.constantFrom(...operations), nth: fc.integer({ min: 1, max: 3 }) };
  const faults = fc.array(fc.record({ ...moment, fault: fc.constantFrom<Fault>("before", "after") }), {
    maxLength: 4,
  });
  const jumps = fc.array(
    fc.record({ ...moment, by: fc.constantFrom(61_000, HOLD / 2 + 1, HOLD + 1, 2 * 3_600_000) }),
    { maxLength: 3 },
  );
  /** Each actor begins after some turns of the others, and repeats an upload that fails. */
  const actors = fc.array(
    fc.record({
      does: fc.constantFrom("upload", "upload", "other signature", "sweep"),
      after: fc.nat({ max: 20 }),
    }),
    { minLength: 2, maxLength: 4 },
  );

  it("ends in both tiers or in neither, whatever fails, stalls, comes late or overtakes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), actors, faults, jumps, async (scheduler, actors, faults, jumps) => {
        const memory = new MemoryTiers();
        const seen = new Map<string, number>();
        const isAt = ({ what, nth }: { what: string; nth: number }, now: string) =>
          now.startsWith(what) && seen.get(now) === nth;
        memory.turn = async (what) => {
          await scheduler.schedule(Promise.resolve(), what);
          seen.set(what, (seen.get(what) ?? 0) + 1);
          for (const jump of jumps) if (isAt(jump, what)) memory.clock += jump.by;
        };
        memory.fault = (what) => faults.find((fault) => isAt(fault, what))?.fault;
        const act = async ({ does, after }: { does: string; after: number }) => {
          for (let i = 0; i < after; i++) await memory.turn("waiting");
          if (does === "sweep") return sweepUnfinished(memory.tiers(), SILENT);
          const sent = does === "upload" ? owned : signedAgain;
          const send = () => storeDocument(sent, memory.tiers(), SILENT);
          return send().catch(send).catch(send);
        };
        const works = actors.map(act);
        const all = Promise.allSettled(works);
        await scheduler.waitFor(all);
        const outcomes = await all;
        const stored = outcomes.some(
          (outcome) => outcome.status === "fulfilled" && outcome.value !== undefined,
        );
        await sweepLater(memory);
        if (stored) expect(memory.objects.has(documentKey()), "what was answered as stored").toBe(true);
      }),
      { numRuns: runs(200) },
    );
  });
});
