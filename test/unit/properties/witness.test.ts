import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { InvalidLog } from "../../../shared/tlog/invalid-log.ts";
import { vkeyText } from "../../../shared/tlog/vkey.ts";
import {
  addCheckpointText,
  MalformedRequest,
  parseAddCheckpoint,
  parseSizeText,
  sizeText,
} from "../../../shared/witness/add-checkpoint.ts";
import { cosign } from "../../../shared/witness/client.ts";
import { parseFollowedLogs } from "../../../shared/witness/followed-logs.ts";
import { addCheckpoint } from "../../../shared/witness/witness.ts";
import { CHARACTER } from "../../support/assertions/character.ts";
import { runs } from "../../support/assertions/fast-check.ts";
import { memoryWitness } from "../../support/chain/memory-witness.ts";
import { witnessedLog, type WitnessedLog } from "../../support/chain/witnessed-log.ts";

const size = fc.maxSafeNat();
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anything = fc.oneof(
  fc.string({ unit: CHARACTER, maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...Array.from("old 019+/=A-\u2014 \n\r\0\t#")), maxLength: 200 }),
);

let log: WitnessedLog;
let witness: Awaited<ReturnType<typeof memoryWitness>>;

beforeAll(async () => {
  log = await witnessedLog();
  witness = await memoryWitness(log.vkeys);
});

describe("a request of tlog-witness", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(size, fc.array(hash, { maxLength: 63 }), anything, (oldSize, proof, note) => {
        const text = addCheckpointText({ oldSize, proof, note });
        const read = parseAddCheckpoint(text);
        expect({ ...read, proof: read.proof.map((bytes) => [...bytes]) }).toEqual({
          oldSize,
          proof: proof.map((bytes) => [...bytes]),
          note,
        });
      }),
    );
  });

  it("has one spelling: another text is refused as malformed, or written back as it was", () => {
    fc.assert(
      fc.property(anything, (text) => {
        try {
          expect(addCheckpointText(parseAddCheckpoint(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedRequest);
        }
      }),
    );
  });

  it("has at most 63 hashes", () => {
    const proof = Array.from({ length: 64 }, () => new Uint8Array(32));
    expect(() => parseAddCheckpoint(addCheckpointText({ oldSize: 1, proof, note: "" }))).toThrow(
      MalformedRequest,
    );
  });

  it("of any contents gets a status of the protocol, and changes nothing", async () => {
    const note = await log.note(4);
    const mixed = fc.tuple(anything, fc.constantFrom("", "old 0\n\n", `old 0\n\n${note}`), anything);
    await fc.assert(
      fc.asyncProperty(mixed, async (parts) => {
        fc.pre(parts.join("") !== `old 0\n\n${note}`);
        const { status } = await addCheckpoint(witness, parts.join(""));
        expect([400, 403, 404, 409, 422]).toContain(status);
        expect(witness.sql.look("SELECT * FROM log")).toEqual([]);
      }),
    );
  });
});

describe("the size in an answer", () => {
  it("is read as it was written, and has one spelling", () => {
    fc.assert(fc.property(size, (value) => parseSizeText(sizeText(value)) === value));
    fc.assert(
      fc.property(anything, (text) => {
        const value = parseSizeText(text);
        if (value !== undefined) expect(sizeText(value)).toBe(text);
      }),
    );
    for (const text of ["9007199254740993\n", "1", " 1\n", "01\n", "-1\n", "1\n\n"])
      expect(parseSizeText(text)).toBeUndefined();
  });
});

describe("the answer of a witness", () => {
  it("of any status and contents ends in an outcome, and is no cosignature", async () => {
    const note = await log.note(4);
    const site = { url: "https://witness.example", keys: witness.cosigners.map(({ key }) => key) };
    const answer = fc.record({
      status: fc.constantFrom(200, 200, 400, 404, 409, 422, 500),
      type: fc.constantFrom("text/plain", "text/x.tlog.size", "text/html"),
      body: fc.oneof(anything, size.map(sizeText)),
    });
    await fc.assert(
      fc.asyncProperty(answer, async ({ status, type, body }) => {
        const { kind } = await cosign(site, note, {
          oldSize: 2,
          proofFrom: async (from) => log.proof(from, 4),
          fetch: async () => new Response(body, { status, headers: { "content-type": type } }),
          timeout: () => new AbortController().signal,
        });
        expect(["ahead", "refused", "wrong_signature"]).toContain(kind);
      }),
      { numRuns: runs(50) },
    );
  });
});

describe("the setting WITNESS_LOGS", () => {
  it("is read, or refused with the line", () => {
    fc.assert(
      fc.property(anything, anything, (before, after) => {
        try {
          parseFollowedLogs(`${before}\n${log.vkeys[0]}\n${after}`);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidLog);
        }
      }),
    );
    expect([...parseFollowedLogs(`# blocks\n\n ${log.vkeys.join("\n")}\n`).keys()]).toEqual([log.origin]);
    expect(() => parseFollowedLogs(`# blocks\nx`)).toThrow("line 2");
  });

  it("takes no key of a witness, and at most 100 keys", () => {
    expect(() => parseFollowedLogs(vkeyText(witness.cosigners[0].key))).toThrow(
      "line 1: the key is a witness's",
    );
    expect(() => parseFollowedLogs(Array.from({ length: 101 }, () => log.vkeys[0]).join("\n"))).toThrow(
      "100",
    );
  });
});
