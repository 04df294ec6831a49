import * as v from "valibot";
import { Sha256Hex, Timestamp } from "./transaction.ts";
import { canonicalBytes, canonicalText, type Json } from "../crypto/canonical.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { issuesText } from "../schema/issue-text.ts";

/** `previousHash` of the first entry. */
export const NO_PREVIOUS_ENTRY = "0".repeat(64);

/** Entries are counted from 1, so that the last one's sequence is their number. */
const Sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/**
 * `schedule`: work that a cron or an alarm starts, without an operator. VDC does not verify the name that comes with the
 * secret.
 */
export const AuditedOperator = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  by: v.picklist(["access", "secret", "schedule"]),
});
export type AuditedOperator = v.InferOutput<typeof AuditedOperator>;

/** Single facts about the result, such as a block's number or a run's id. Never contents. */
export const AuditResult = v.record(
  v.pipe(v.string(), v.maxLength(50)),
  v.nullable(
    v.union([
      v.boolean(),
      v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      v.pipe(v.string(), v.maxLength(200)),
    ]),
  ),
);
export type AuditResult = v.InferOutput<typeof AuditResult>;

/**
 * `problem`: the end of the problem's type, or `null` after success. `status`: that of the HTTP answer, if there is one.
 */
const RecordedOutcome = v.strictObject({
  /** Sequence of the entry that records the start. */
  asked: Sequence,
  status: v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(100), v.maxValue(599))),
  problem: v.nullable(v.pipe(v.string(), v.regex(/^[a-z-]{1,50}$/))),
  result: v.nullable(AuditResult),
});

const members = {
  sequence: Sequence,
  at: Timestamp,
  operator: AuditedOperator,
  action: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  target: v.pipe(v.string(), v.maxLength(500)),
  reason: v.nullable(v.pipe(v.string(), v.maxLength(1_000))),
  requestId: v.pipe(v.string(), v.maxLength(64)),
  previousHash: Sha256Hex,
  hash: Sha256Hex,
};

/**
 * The log has an entry for the start of an action, written before it runs, and one for its end. A start without an end
 * means that the action was cut off, or that its outcome was not recorded: an operator has to look. The values `asked` and
 * `answered` are hashed and exported, so they never change.
 */
const StartedEntry = v.strictObject({ ...members, kind: v.literal("asked"), outcome: v.null() });
const FinishedEntry = v.strictObject({ ...members, kind: v.literal("answered"), outcome: RecordedOutcome });

export const AuditEntry = v.variant("kind", [StartedEntry, FinishedEntry]);
export type AuditEntry = v.InferOutput<typeof AuditEntry>;

/**
 * Identifies all entries up to the sequence. A reader who notes a head can show later that an entry was changed or
 * removed.
 */
export const AuditHead = v.strictObject({ sequence: Sequence, hash: Sha256Hex });
export type AuditHead = v.InferOutput<typeof AuditHead>;

/** SHA-256 over the canonical bytes of all members but `hash`, as hex. */
export function auditHash(entry: { readonly [member: string]: unknown }): string {
  const { hash: _, ...hashed } = entry;
  return sha256Hex(canonicalBytes(hashed as Json));
}

export const AUDIT_FAULTS = [
  "not_an_entry", // the value does not have the shape of an entry
  "wrong_sequence", // an entry is missing, stands twice, or stands in another place
  "wrong_hash", // a member is not what it was when the entry was made
  "wrong_link", // `previousHash` is not the hash of the entry before
  "wrong_time", // the entry is older than the entry before
  "wrong_answer", // the entry answers no open `asked`, contradicts it, or answers it a second time
  "other_head", // a head noted earlier names another entry: the log was rewritten
  "truncated", // the log ends before a head noted earlier
] as const;

export type AuditFault = (typeof AUDIT_FAULTS)[number];

export class BrokenAuditChain extends Error {
  override readonly name = "BrokenAuditChain";
  readonly fault: AuditFault;
  /** The place in the log: the sequence that this entry must have. */
  readonly sequence: number;

  constructor(fault: AuditFault, sequence: number, detail: string) {
    super(detail);
    this.fault = fault;
    this.sequence = sequence;
  }
}

type StartedEntry = v.InferOutput<typeof StartedEntry>;
type FinishedEntry = v.InferOutput<typeof FinishedEntry>;

/**
 * Verifies a log from its first entry on. The hashes alone cannot show that the whole log was rewritten, or that its end
 * was cut off. To detect both, pass the heads that were noted earlier.
 */
export class AuditChainVerifier {
  readonly #noted: readonly AuditHead[];
  readonly #open = new Map<number, StartedEntry>();
  #last: AuditEntry | undefined;

  constructor(noted: readonly AuditHead[] = []) {
    this.#noted = noted;
  }

  /** The head of the entries that have been verified so far. */
  get head(): AuditHead | null {
    return this.#last === undefined ? null : { sequence: this.#last.sequence, hash: this.#last.hash };
  }

  /** Sequences of started actions whose end is not recorded. The action of the latest may still be running. */
  get unfinished(): readonly number[] {
    return [...this.#open.keys()];
  }

  /** @throws BrokenAuditChain for the first entry that does not belong at its place */
  add(claimed: unknown): AuditEntry {
    const sequence = (this.#last?.sequence ?? 0) + 1;
    const broken = (fault: AuditFault, detail: string) => new BrokenAuditChain(fault, sequence, detail);

    const parsed = v.safeParse(AuditEntry, claimed);
    if (!parsed.success)
      throw broken(
        "not_an_entry",
        `entry ${sequence} is not an entry of an audit log: ${issuesText(parsed.issues, "the entry")}`,
      );
    const entry = parsed.output;
    if (entry.sequence !== sequence)
      throw broken("wrong_sequence", `entry ${entry.sequence} stands where entry ${sequence} must stand`);
    if (hashOf(claimed) !== entry.hash)
      throw broken("wrong_hash", `entry ${sequence} is not as it was written: its hash does not fit`);
    if (entry.previousHash !== (this.#last?.hash ?? NO_PREVIOUS_ENTRY))
      throw broken("wrong_link", `entry ${sequence} does not follow the entry that stands before it`);
    if (entry.at < (this.#last?.at ?? 0))
      throw broken("wrong_time", `entry ${sequence} is older than the entry before it`);
    if (entry.kind === "answered" && !this.#isOpen(entry))
      throw broken("wrong_answer", `entry ${sequence} is not a valid answer to entry ${entry.outcome.asked}`);
    if (this.#noted.some((noted) => noted.sequence === sequence && noted.hash !== entry.hash))
      throw broken("other_head", `entry ${sequence} is another than the one noted earlier`);

    if (entry.kind === "asked") this.#open.set(sequence, entry);
    else this.#open.delete(entry.outcome.asked);
    this.#last = entry;
    return entry;
  }

  /** @throws BrokenAuditChain when a noted head lies beyond the end */
  finish(): AuditHead | null {
    const end = this.#last?.sequence ?? 0;
    const beyond = this.#noted.find(({ sequence }) => sequence > end);
    if (beyond !== undefined)
      throw new BrokenAuditChain(
        "truncated",
        end + 1,
        `the log ends with entry ${end}, but entry ${beyond.sequence} was noted earlier`,
      );
    return this.head;
  }

  #isOpen(end: FinishedEntry): boolean {
    const start = this.#open.get(end.outcome.asked);
    return start !== undefined && actionText(start) === actionText(end);
  }
}

/** @throws BrokenAuditChain that names the first broken link and the fault */
export function verifyAuditChain(
  entries: Iterable<unknown>,
  noted: readonly AuditHead[] = [],
): AuditHead | null {
  const verifier = new AuditChainVerifier(noted);
  for (const entry of entries) verifier.add(entry);
  return verifier.finish();
}

/** Hashes the value as given, not as valibot reads it, because valibot accepts [] for {}. */
function hashOf(claimed: unknown): string | undefined {
  try {
    return auditHash(claimed as Record<string, unknown>);
  } catch {
    return undefined; // a lone surrogate, say, which canonical JSON cannot hold: no hash was ever made of it
  }
}

function actionText({ operator, action, target, reason, requestId }: AuditEntry): string {
  return canonicalText({ operator, action, target, reason, requestId });
}
