import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AUDIT_FAULTS,
  AuditChainVerifier,
  auditHash,
  BrokenAuditChain,
  verifyAuditChain,
  type AuditEntry,
  type AuditFault,
  type AuditHead,
  type AuditResult,
} from "../../../../shared/chain/audit-chain.ts";
import { TestAuditLog } from "../../../support/chain/audit-log.ts";
import { runs } from "../../../support/assertions/fast-check.ts";
import { CHARACTER } from "../../../support/assertions/character.ts";

/** Makes six entries: two actions that succeeded and one that failed. */
function example(): AuditEntry[] {
  const log = new TestAuditLog();
  log.record();
  log.record({ reason: null, requestId: "request-2" });
  log.record({ requestId: "request-3" }, { status: 409, problem: "run-active", result: null });
  return log.entries();
}

const entries = example();
const heads = entries.map(({ sequence, hash }): AuditHead => ({ sequence, hash }));
const end = heads.slice(-1);
const seen = new Set<AuditFault>();

/** Returns the first broken entry and its fault, or "whole". */
function verdict(log: readonly unknown[], noted: readonly AuditHead[] = []): [number, AuditFault] | "whole" {
  try {
    verifyAuditChain(log, noted);
    return "whole";
  } catch (error) {
    if (!(error instanceof BrokenAuditChain)) throw error;
    seen.add(error.fault);
    expect(error.message).toContain(
      String(error.fault === "truncated" ? error.sequence - 1 : error.sequence),
    );
    return [error.sequence, error.fault];
  }
}

type Members = Record<string, unknown>;

/** Returns every value with one member changed or left out, at any depth. */
function changes(value: Members): Members[] {
  return Object.entries(value).flatMap(([name, member]) => {
    const { [name]: _, ...without } = value;
    const others =
      typeof member === "object" && member !== null
        ? [...changes(member as Members), null, [], {}]
        : [other(member), null].filter((changed) => changed !== member);
    return [without, ...others.map((changed) => ({ ...value, [name]: changed }))];
  });
}

function other(member: unknown): unknown {
  if (typeof member === "number") return member + 1;
  if (typeof member === "boolean") return !member;
  if (typeof member === "string")
    return /^[0-9a-f]{64}$/.test(member)
      ? member.replace(/^./, (c) => (c === "0" ? "1" : "0"))
      : `${member}x`;
  return "x";
}

/** Returns the entry with a hash that fits, as an attacker who knows the format would write it. */
function rehashed(entry: Members): AuditEntry {
  return { ...entry, hash: auditHash(entry) } as AuditEntry;
}

/** Makes all links again, beginning with an entry. */
function relinked(log: readonly AuditEntry[]): AuditEntry[] {
  const anew: AuditEntry[] = [];
  for (const entry of log)
    anew.push(
      rehashed({
        ...entry,
        sequence: anew.length + 1,
        previousHash: anew.at(-1)?.hash ?? "0".repeat(64),
      }),
    );
  return anew;
}

describe("the verifier of an audit log", () => {
  it("accepts a log as it was written, of any length, and every head that was noted on the way", () => {
    expect(verifyAuditChain([])).toBeNull();
    for (const [i, head] of heads.entries())
      expect(verifyAuditChain(entries.slice(0, i + 1), heads.slice(0, i + 1))).toEqual(head);
  });

  it("accepts it read back from JSON, with the members in any order", () => {
    const turned = entries.map((entry) => Object.fromEntries(Object.entries(entry).toReversed()));
    expect(verdict(JSON.parse(JSON.stringify(turned)) as unknown[], heads)).toBe("whole");
  });

  it("finds every single member that was changed, left out or added, where it is", () => {
    let tried = 0;
    for (const [i, entry] of entries.entries())
      for (const changed of [...changes(entry), { ...entry, more: 1 }]) {
        const found = verdict(entries.with(i, changed as AuditEntry));
        expect(found[0], JSON.stringify(changed)).toBe(i + 1);
        tried++;
      }
    expect(tried).toBeGreaterThan(150);
  });

  it("finds a changed entry whose hash was made to fit, by the next one's link", () => {
    for (const [i, entry] of entries.slice(0, -1).entries()) {
      const forged = rehashed({ ...entry, requestId: "request-9" });
      const [sequence = 0] = verdict(entries.with(i, forged));
      expect([i + 1, i + 2]).toContain(sequence);
    }
    const [first, ...rest] = entries as [AuditEntry, ...AuditEntry[]];
    const twice = [rehashed({ ...first, at: first.at - 1 }), ...rest];
    expect(verdict(twice)).toEqual([2, "wrong_link"]);
  });

  it("finds the last entry changed, or the whole log written anew, by a head noted earlier [T41 T57]", () => {
    const last = entries.length - 1;
    const forgedLast = entries.with(
      last,
      rehashed({ ...(entries[last] as AuditEntry), at: 1_900_000_000_000 }),
    );
    expect(verdict(forgedLast)).toBe("whole");
    expect(verdict(forgedLast, end)).toEqual([last + 1, "other_head"]);

    const anew = relinked(entries.map((entry) => ({ ...entry, operator: { name: "eve", by: "access" } })));
    expect(verdict(anew)).toBe("whole");
    expect(verdict(anew, end)).toEqual([entries.length, "other_head"]);
    expect(verdict(anew, heads.slice(0, 1))).toEqual([1, "other_head"]);
  });

  it("finds an entry that was taken out, exchanged, or stands twice", () => {
    for (let i = 0; i < entries.length - 1; i++) {
      expect(verdict(entries.toSpliced(i, 1))).toEqual([i + 1, "wrong_sequence"]);
      expect(verdict(entries.with(i, entries[i + 1] as AuditEntry))).toEqual([i + 1, "wrong_sequence"]);
      expect(verdict(entries.toSpliced(i, 0, entries[i] as AuditEntry))).toEqual([i + 2, "wrong_sequence"]);
      const [one, two] = entries.slice(i, i + 2) as [AuditEntry, AuditEntry];
      expect(verdict(entries.toSpliced(i, 2, two, one))).toEqual([i + 1, "wrong_sequence"]);
    }
  });

  it("finds an end that was cut off, by a head noted earlier [T41 T57]", () => {
    for (let length = 0; length < entries.length; length++) {
      expect(verdict(entries.slice(0, length))).toBe("whole"); // the log alone can't show that its end is missing
      expect(verdict(entries.slice(0, length), end)).toEqual([length + 1, "truncated"]);
    }
  });

  it("finds an answer to nothing, to something else, or a second one", () => {
    const [asked, answered, askedNext] = entries as [AuditEntry, AuditEntry, AuditEntry];
    const wrong: [AuditEntry[], number][] = [
      [relinked([answered]), 1],
      [relinked([asked, answered, answered]), 3],
      [relinked([asked, { ...answered, requestId: "request-9" }]), 2],
      [relinked([asked, { ...answered, operator: { name: "eve", by: "secret" } }]), 2],
      [relinked([asked, answered, askedNext, answered]), 4],
    ];
    for (const [log, sequence] of wrong) expect(verdict(log)).toEqual([sequence, "wrong_answer"]);
  });

  it("finds a log that runs back in time", () => {
    const [asked, answered] = entries as [AuditEntry, AuditEntry];
    expect(verdict(relinked([asked, { ...answered, at: asked.at - 1 }]))).toEqual([2, "wrong_time"]);
  });

  it("finds what is no entry at all", () => {
    for (const claimed of [
      null,
      undefined,
      1,
      "",
      [],
      {},
      [asObject(entries[0])],
      { ...entries[0], kind: "x" },
    ])
      expect(verdict([claimed])).toEqual([1, "not_an_entry"]);
    const surrogate = { ...entries[0], reason: "\ud800" };
    expect(verdict([surrogate])).toEqual([1, "wrong_hash"]);
  });

  it("goes on from the last good entry after a bad one, and says what is still open", () => {
    const verifier = new AuditChainVerifier();
    expect([verifier.head, verifier.unfinished]).toEqual([null, []]);
    verifier.add(entries[0]);
    expect(verifier.unfinished).toEqual([1]);
    expect(() => verifier.add(entries[2])).toThrow(BrokenAuditChain);
    expect(verifier.head).toEqual(heads[0]);
    verifier.add(entries[1]);
    expect([verifier.head, verifier.unfinished]).toEqual([heads[1], []]);
  });

  it("has a case here for each of its faults", () => {
    expect([...seen].toSorted()).toEqual(AUDIT_FAULTS.toSorted());
  });
});

interface ChosenAction {
  readonly operator: { readonly name: string; readonly by: "access" | "secret" | "schedule" };
  readonly target: string;
  readonly reason: string | null;
  /** Milliseconds; a negative number sets the clock back. */
  readonly pass: number;
  readonly result: AuditResult | null;
  readonly answers: boolean;
}

describe("any audit log", () => {
  const text = fc.string({ unit: CHARACTER, maxLength: 60 });
  const actions: fc.Arbitrary<ChosenAction[]> = fc.array(
    fc.record({
      operator: fc.record({
        name: fc.string({ minLength: 1, unit: CHARACTER, maxLength: 120 }),
        by: fc.constantFrom("access" as const, "secret" as const, "schedule" as const),
      }),
      target: text,
      reason: fc.option(text),
      pass: fc.integer({ min: -5_000, max: 5_000 }),
      result: fc.option(fc.dictionary(fc.string({ maxLength: 20 }), fc.oneof(fc.nat(), text, fc.boolean()))),
      answers: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  );

  it("verifies as it was written, whatever operators and clocks do", () => {
    fc.assert(
      fc.property(actions, (chosen) => {
        const log = logOf(chosen);
        const last = log.at(-1);
        expect(verifyAuditChain(JSON.parse(JSON.stringify(log)) as unknown[])).toEqual({
          sequence: log.length,
          hash: last?.hash,
        });
      }),
    );
  });

  it("does not verify against the noted head once anything was done to it [T41 T57]", () => {
    const place = fc.nat();
    const kinds = fc.constantFrom("change", "remove", "exchange", "repeat", "cut", "forge");
    fc.assert(
      fc.property(actions, kinds, place, place, (chosen, kind, a, b) => {
        const log = logOf(chosen);
        const last = log.at(-1) as AuditEntry;
        const noted = [{ sequence: last.sequence, hash: last.hash }];
        const tampered = tamper(log, kind, a, b);
        fc.pre(JSON.stringify(tampered) !== JSON.stringify(log));
        expect(verdict(tampered, noted)).not.toBe("whole");
      }),
      { numRuns: runs(60) },
    );
  });
});

function asObject(entry: AuditEntry | undefined): Members {
  return { ...entry };
}

function tamper(log: readonly AuditEntry[], kind: string, a: number, b: number): unknown[] {
  const [i, j] = [a % log.length, b % log.length];
  const [one, two] = [log[i], log[j]] as [AuditEntry, AuditEntry];
  switch (kind) {
    case "change": {
      const all = changes(one);
      return log.with(i, all[b % all.length] as AuditEntry);
    }
    case "remove":
      return log.toSpliced(i, 1);
    case "exchange":
      return log.with(i, two).with(j, one);
    case "repeat":
      return log.toSpliced(j, 0, one);
    case "cut":
      return log.slice(0, i);
    default:
      return relinked(log.with(i, { ...one, action: `${one.action} of another` }));
  }
}

/** Records actions of several operators at once, so that answers come after later questions. */
function logOf(chosen: readonly ChosenAction[]): AuditEntry[] {
  const log = new TestAuditLog();
  const open: [number, ChosenAction][] = [];
  for (const one of chosen) {
    log.now += one.pass;
    open.push([log.started(one).sequence, one]);
    const [ready] = open;
    if (!one.answers || ready === undefined) continue;
    open.shift();
    log.finished(ready[0], { status: 200, problem: null, result: ready[1].result });
  }
  return log.entries();
}
