import type { IndexedThrough } from "../../../shared/api/indexed-through.ts";
import type { ChainRules } from "../../../shared/chain/rules.ts";
import { STAGE_AFTER } from "../../../shared/chain/states.ts";
import { KEY_WRITE_INTERVAL_MS } from "../../../shared/storage/limits.ts";
import { unfinishedBlocks, findBlock } from "../reads/blocks.ts";
import { getValues } from "../storage/key-values.ts";
import { nextExpiry, nextForgottenIntent } from "../decisions/expire-intents.ts";
import { publishableFrom } from "./latest-write.ts";
import { firstAdmittedAfter } from "../reads/waiting.ts";
import { unparked, type SetAsideFacts } from "../reads/set-asides.ts";
import { nextForgotten } from "../decisions/refused.ts";
import type { Sql } from "../storage/schema.ts";
import { nextRevocation } from "../decisions/signing-keys.ts";

/** A stage that a sealed block passes through. */
export type BlockStage = "tier-persister" | "indexer" | "pending-cleaner";

/**
 * Work for the alarm that follows from decisions: an effect outside the chain head, or a further decision that is due. Each item
 * may be repeated, and no effect outside runs inside a decision.
 */
export type OutboxItem =
  | { readonly kind: "publish_latest"; readonly blockNumber: number; readonly value: object }
  | { readonly kind: "publish_indexed"; readonly value: IndexedThrough }
  | { readonly kind: "publish_pending_count"; readonly value: number }
  | { readonly kind: "park"; readonly transactions: readonly SetAsideFacts[] }
  | { readonly kind: "park_again" }
  | { readonly kind: "requeue_miner" }
  | { readonly kind: "requeue_stage"; readonly stage: BlockStage; readonly blockNumber: number }
  | { readonly kind: "requeue_checkpointer"; readonly blockNumber: number }
  | { readonly kind: "request_mining" }
  | { readonly kind: "expire_intents" }
  | { readonly kind: "forget" };

export interface DatedItem {
  /** The alarm must not do the item before this time, in milliseconds since the epoch. */
  readonly due: number;
  readonly item: OutboxItem;
}

/**
 * Number of transactions parked in one batch. A queue takes 100 messages and 256 kB a batch; an error is cut off at 500
 * characters.
 */
const PARK_AT_ONCE = 50;

/** Minimum time between writes of a count above 0: only people read `vdc:pending:count`, and each write costs. */
export const PENDING_COUNT_INTERVAL_MS = 10_000;

/** Key values from which the outbox follows. One statement reads them all, because every decision derives the outbox. */
const READ = [
  "dutiesPausedUntil",
  "latest",
  "publishedLatest",
  "publishedLatestAt",
  "nextClaim",
  "pending",
  "publishedPending",
  "publishedPendingAt",
  "countInDoubtUntil",
  "parkAgainAfter",
  "halted",
  "mineNudgeAt",
  "approvedThrough",
  "checkpointed",
  "checkpointDueAt",
  "checkpointNudges",
] as const;
type Read = ReturnType<typeof getValues<(typeof READ)[number]>>;

/**
 * Lists every pending item, due now or later. The alarm does the due ones and is set for the next. After a failure outside, no
 * item is due before a pause is over, however often the chain head is called meanwhile.
 * @param parkAtOnce maximum number of set-aside transactions in an item to park; 1 is enough to know when it is due
 */
export function outbox(sql: Sql, rules: ChainRules, parkAtOnce = PARK_AT_ONCE): DatedItem[] {
  const values = getValues(sql, READ);
  const notBefore = values.dutiesPausedUntil ?? 0;
  const pending = [
    ...publications(sql, values, rules),
    ...parkings(sql, values, parkAtOnce),
    ...stalledBlocks(sql, values, rules),
    ...approvedWork(sql, values),
    ...uncheckpointed(values),
    ...longWaiting(sql, values, rules),
    ...expiry(sql, rules),
    ...forgetting(sql),
  ];
  return pending.map(({ due, item }) => ({ due: Math.max(due, notBefore), item }));
}

// KV takes one write a second for a key, so a hot key is written at most that often, with its value at that moment.
function publications(sql: Sql, values: Read, rules: ChainRules): DatedItem[] {
  const items: DatedItem[] = [];
  const { latest, pending = 0 } = values;
  if (latest !== undefined && latest !== values.publishedLatest) {
    const block = findBlock(sql, latest);
    if (block === undefined) throw new Error(`block ${latest} is the latest, but is not stored`);
    const value = {
      blockNumber: latest,
      hash: block.hash,
      ipfsHash: block.ipfs_hash,
      timestamp: block.timestamp,
    };
    items.push({
      due: Math.max((values.publishedLatestAt ?? 0) + KEY_WRITE_INTERVAL_MS, publishableFrom(sql, latest)),
      item: { kind: "publish_latest", blockNumber: latest, value },
    });
  }
  const { nextClaim } = values;
  if (nextClaim !== undefined)
    items.push({
      due: nextClaim.at + Math.max(rules.writeLandsWithinSeconds * 1_000, KEY_WRITE_INTERVAL_MS),
      item: { kind: "publish_indexed", value: nextClaim },
    });
  const { countInDoubtUntil: inDoubtUntil } = values;
  const isPublished = pending === values.publishedPending;
  if (!isPublished || inDoubtUntil !== undefined)
    items.push({
      due: Math.max(
        (values.publishedPendingAt ?? 0) +
          (pending === 0 ? KEY_WRITE_INTERVAL_MS : PENDING_COUNT_INTERVAL_MS),
        isPublished ? (inDoubtUntil ?? 0) : 0,
      ),
      item: { kind: "publish_pending_count", value: pending },
    });
  return items;
}

function parkings(sql: Sql, { parkAgainAfter }: Read, atOnce: number): DatedItem[] {
  const again: DatedItem[] = parkAgainAfter === undefined ? [] : [{ due: 0, item: { kind: "park_again" } }];
  const transactions = unparked(sql, atOnce);
  const [first] = transactions;
  return first === undefined ? again : [...again, { due: first.at, item: { kind: "park", transactions } }];
}

/** The watchdog's interval doubles at most so often. */
export const MOST_DOUBLINGS = 5;

// The watchdog: a block that has not moved for a while may have lost its message, so its stage gets another one. The interval
// doubles, because in a long outage the first message is retried all the time and each new message adds to it.
function stalledBlocks(sql: Sql, { halted }: Read, rules: ChainRules): DatedItem[] {
  if (halted) return [];
  return unfinishedBlocks(sql).map((block) => {
    const stage = STAGE_AFTER[block.state];
    return {
      due: block.nudged_at + rules.stallAfterSeconds * 1_000 * 2 ** Math.min(block.nudges, MOST_DOUBLINGS),
      item:
        stage === undefined || stage === "miner"
          ? { kind: "requeue_miner" }
          : { kind: "requeue_stage", stage, blockNumber: block.number },
    };
  });
}

function approvedWork(sql: Sql, { mineNudgeAt, halted, approvedThrough = 0 }: Read): DatedItem[] {
  if (mineNudgeAt === undefined || halted) return [];
  const [approved] = sql
    .exec<{ id: string }>(
      "SELECT id FROM tx WHERE state = 'pending' AND sequence <= ? LIMIT 1",
      approvedThrough,
    )
    .toArray();
  return approved === undefined && nextRevocation(sql) === null
    ? []
    : [{ due: mineNudgeAt, item: { kind: "requeue_miner" } }];
}

// The item stays until the checkpointer reports a checkpoint that covers every published block, so a lost message is sent again.
function uncheckpointed({
  halted,
  publishedLatest = -1,
  checkpointed = 0,
  checkpointDueAt = 0,
}: Read): DatedItem[] {
  if (halted || publishedLatest < checkpointed) return [];
  return [{ due: checkpointDueAt, item: { kind: "requeue_checkpointer", blockNumber: publishedLatest } }];
}

function longWaiting(sql: Sql, { halted, approvedThrough = 0 }: Read, rules: ChainRules): DatedItem[] {
  if (rules.miningMode !== "auto" || halted) return [];
  const admittedAt = firstAdmittedAfter(sql, approvedThrough);
  if (admittedAt === undefined) return [];
  return [{ due: admittedAt + rules.mineAfterSeconds * 1_000, item: { kind: "request_mining" } }];
}

function expiry(sql: Sql, rules: ChainRules): DatedItem[] {
  const due = nextExpiry(sql, rules);
  return due === undefined ? [] : [{ due, item: { kind: "expire_intents" } }];
}

function forgetting(sql: Sql): DatedItem[] {
  const due = Math.min(nextForgotten(sql) ?? Infinity, nextForgottenIntent(sql) ?? Infinity);
  return due === Infinity ? [] : [{ due, item: { kind: "forget" } }];
}
