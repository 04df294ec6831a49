import type { ChainRules } from "../../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../../shared/chain/states.ts";
import { KEY_WRITE_INTERVAL } from "../../../shared/storage/limits.ts";
import { unfinishedBlocks, findBlock } from "../reads/blocks.ts";
import { readFacts } from "../storage/key-values.ts";
import { nextExpiry, nextForgottenIntent } from "../decisions/intents.ts";
import { publishableFrom } from "./latest-write.ts";
import { firstAdmittedAfter } from "../reads/waiting.ts";
import { unparked, type SetAsideFacts } from "../reads/reads.ts";
import { nextForgotten } from "../decisions/refused.ts";
import type { Sql } from "../storage/schema.ts";
import { nextRevocation } from "../decisions/signing-keys.ts";

/** A stage that a sealed block passes through. */
export type BlockStage = "tier-persister" | "indexer" | "pending-cleaner";

/**
 * Work for the alarm that follows from decisions: an effect outside the chain head, or a further decision that is due. Each duty
 * may be repeated, and no effect outside runs inside a decision.
 */
export type Duty =
  | { readonly kind: "publish_latest"; readonly blockNumber: number; readonly value: object }
  | { readonly kind: "publish_pending_count"; readonly value: number }
  | { readonly kind: "park"; readonly transactions: readonly SetAsideFacts[] }
  | { readonly kind: "park_again" }
  | { readonly kind: "nudge_miner" }
  | { readonly kind: "nudge_stage"; readonly stage: BlockStage; readonly blockNumber: number }
  | { readonly kind: "request_mining" }
  | { readonly kind: "expire_intents" }
  | { readonly kind: "forget" };

export interface DatedDuty {
  /** The duty must not be done before this time, in milliseconds since the epoch. */
  readonly due: number;
  readonly duty: Duty;
}

/**
 * Number of transactions parked in one batch. A queue takes 100 messages and 256 kB a batch; an error is cut off at 500
 * characters.
 */
const PARK_AT_ONCE = 50;

/** Minimum time between writes of a count above 0: only people read `vdc:pending:count`, and each write costs. */
export const PENDING_COUNT_INTERVAL_MS = 10_000;

/** Key values from which the duties follow. One statement reads them all, because every decision looks for duties. */
const READ = [
  "dutiesPausedUntil",
  "latest",
  "publishedLatest",
  "publishedLatestAt",
  "pending",
  "publishedPending",
  "publishedPendingAt",
  "countInDoubtUntil",
  "parkAgainAfter",
  "halted",
  "mineNudgeAt",
  "approvedThrough",
] as const;
type Read = ReturnType<typeof readFacts<(typeof READ)[number]>>;

/**
 * Lists every duty, due now or later. The alarm does the due ones and is set for the next. After a failure outside, no duty is
 * due before a pause is over, however often the chain head is called meanwhile.
 * @param parkAtOnce maximum number of set-aside transactions in a duty to park; 1 is enough to know when it is due
 */
export function duties(sql: Sql, rules: ChainRules, parkAtOnce = PARK_AT_ONCE): DatedDuty[] {
  const facts = readFacts(sql, READ);
  const notBefore = facts.dutiesPausedUntil ?? 0;
  const owed = [
    ...publications(sql, facts),
    ...parkings(sql, facts, parkAtOnce),
    ...stalledBlocks(sql, facts, rules),
    ...miningNudges(sql, facts),
    ...longWaiting(sql, facts, rules),
    ...expiry(sql, rules),
    ...forgetting(sql),
  ];
  return owed.map(({ due, duty }) => ({ due: Math.max(due, notBefore), duty }));
}

// KV takes one write a second for a key, so a hot key is written at most that often, with its value at that moment.
function publications(sql: Sql, facts: Read): DatedDuty[] {
  const owed: DatedDuty[] = [];
  const { latest, pending = 0 } = facts;
  if (latest !== undefined && latest !== facts.publishedLatest) {
    const block = findBlock(sql, latest);
    if (block === undefined) throw new Error(`block ${latest} is the latest, but is not stored`);
    const value = {
      blockNumber: latest,
      hash: block.hash,
      ipfsHash: block.ipfs_hash,
      timestamp: block.timestamp,
    };
    owed.push({
      due: Math.max((facts.publishedLatestAt ?? 0) + KEY_WRITE_INTERVAL, publishableFrom(sql, latest)),
      duty: { kind: "publish_latest", blockNumber: latest, value },
    });
  }
  const { countInDoubtUntil: inDoubtUntil } = facts;
  const isPublished = pending === facts.publishedPending;
  if (!isPublished || inDoubtUntil !== undefined)
    owed.push({
      due: Math.max(
        (facts.publishedPendingAt ?? 0) + (pending === 0 ? KEY_WRITE_INTERVAL : PENDING_COUNT_INTERVAL_MS),
        isPublished ? (inDoubtUntil ?? 0) : 0,
      ),
      duty: { kind: "publish_pending_count", value: pending },
    });
  return owed;
}

function parkings(sql: Sql, { parkAgainAfter }: Read, atOnce: number): DatedDuty[] {
  const again: DatedDuty[] = parkAgainAfter === undefined ? [] : [{ due: 0, duty: { kind: "park_again" } }];
  const transactions = unparked(sql, atOnce);
  const [first] = transactions;
  return first === undefined ? again : [...again, { due: first.at, duty: { kind: "park", transactions } }];
}

const MOST_DOUBLINGS = 5;

// The watchdog: a block that has not moved for a while may have lost its message, so its stage gets another one. The interval
// doubles, because in a long outage the first message is retried all the time and each new message adds to it.
function stalledBlocks(sql: Sql, { halted }: Read, rules: ChainRules): DatedDuty[] {
  if (halted) return [];
  return unfinishedBlocks(sql).map((block) => {
    const stage = STAGE_AFTER[block.state];
    return {
      due: block.nudged_at + rules.stallAfterSeconds * 1_000 * 2 ** Math.min(block.nudges, MOST_DOUBLINGS),
      duty:
        stage === undefined || stage === "miner"
          ? { kind: "nudge_miner" }
          : { kind: "nudge_stage", stage, blockNumber: block.number },
    };
  });
}

function miningNudges(sql: Sql, { mineNudgeAt, halted, approvedThrough = 0 }: Read): DatedDuty[] {
  if (mineNudgeAt === undefined || halted) return [];
  const [approved] = sql
    .exec<{ id: string }>(
      "SELECT id FROM tx WHERE state = 'pending' AND sequence <= ? LIMIT 1",
      approvedThrough,
    )
    .toArray();
  return approved === undefined && nextRevocation(sql) === null
    ? []
    : [{ due: mineNudgeAt, duty: { kind: "nudge_miner" } }];
}

function longWaiting(sql: Sql, { halted, approvedThrough = 0 }: Read, rules: ChainRules): DatedDuty[] {
  if (rules.miningMode !== "auto" || halted) return [];
  const admittedAt = firstAdmittedAfter(sql, approvedThrough);
  if (admittedAt === undefined) return [];
  return [{ due: admittedAt + rules.mineAfterSeconds * 1_000, duty: { kind: "request_mining" } }];
}

function expiry(sql: Sql, rules: ChainRules): DatedDuty[] {
  const due = nextExpiry(sql, rules);
  return due === undefined ? [] : [{ due, duty: { kind: "expire_intents" } }];
}

function forgetting(sql: Sql): DatedDuty[] {
  const due = Math.min(nextForgotten(sql) ?? Infinity, nextForgottenIntent(sql) ?? Infinity);
  return due === Infinity ? [] : [{ due, duty: { kind: "forget" } }];
}
