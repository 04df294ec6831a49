import { chainHead } from "../../shared/chain-head.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { deadLetters } from "../../shared/dead-letters.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Log } from "../../shared/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { eraseFromArchive } from "../../shared/storage/private-archive.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import type { Erasure } from "../chain-head/erase.ts";
import type { Env } from "./env.ts";

export interface Erased {
  readonly txId: string;
  /** Null: no block took it, and none will. */
  readonly blockNumber: number | null;
  readonly erased: true;
  /** Keys in R2 under which nothing of it is left. */
  readonly removed: readonly string[];
}

type Allowed = Exclude<Erasure, { mayNot: unknown }>;

/**
 * Removes the envelope of a transaction wherever it is, for good. The chain head decides first, so that what is delivered
 * or replayed meanwhile is not taken; each step may be repeated, and so may all of it, with the same answer.
 * @throws Problem "not-found", "not-ready" or "unavailable"
 */
export async function erase(
  txId: string,
  said: { by: string; reason: string },
  env: Env,
  log: Log,
): Promise<Erased> {
  const isParked = whole(await deadLetters(env).letters(txId)).length > 0;
  const decided = await chainHead(env).erase(txId, isParked);
  if ("mayNot" in decided) throw refusal(decided.mayNot);
  if (decided.may === "withdrawn") await recordWithdrawal(txId, env);
  const blockNumber = decided.may === "archived" ? decided.blockNumber : null;
  if (blockNumber !== null) await eraseFromArchive(env.R2, blockNumber, txId);
  await env.R2.delete(leftovers(decided, txId));
  const letters = whole(await deadLetters(env).erase(txId, said));
  const removed = [...placesOf(decided, txId), ...letters];
  log.warn("private.erased", { txId, blockNumber, places: removed.length, by: said.by });
  return { txId, blockNumber, erased: true, removed };
}

/**
 * Makes the erasure of a transaction that no block took outlive the storage of the chain head: a restore reads the record.
 * The chain head hears of it again, because it may have lost its storage since it decided, have been restored without the
 * record, and have taken the transaction anew.
 * @throws Problem "not-ready" when a block of that life has it by now
 */
async function recordWithdrawal(txId: string, env: Env): Promise<void> {
  await createOnly(env.R2, r2Keys.erased(txId), canonicalBytes({ txId, erasedAt: Date.now() }));
  const [withdrawal] = await chainHead(env).withdraw([txId]);
  if (withdrawal !== "withdrawn") throw refusal("mined");
}

/**
 * Keys where a late duplicate, or a crash, may have left it. One that had expired can be paid and sent again meanwhile: what
 * `pending/` has of it then is admitted, and stays.
 */
function leftovers({ may }: Allowed, txId: string): string[] {
  return may === "expired"
    ? [r2Keys.intent(txId)]
    : [r2Keys.pending(txId), r2Keys.setAside(txId), r2Keys.intent(txId)];
}

/** Where it belongs: a set-aside transaction is moved from the first of two places to the second. */
function placesOf(erasure: Allowed, txId: string): string[] {
  if (erasure.may === "archived") return [r2Keys.private(erasure.blockNumber)];
  return erasure.may === "withdrawn" ? [r2Keys.pending(txId), r2Keys.setAside(txId)] : [r2Keys.intent(txId)];
}

function refusal(state: Extract<Erasure, { mayNot: unknown }>["mayNot"]): Problem {
  if (state === "unknown")
    return new Problem("not-found", "Neither the chain nor a dead letter has this transaction.");
  return new Problem("not-ready", `${ON_ITS_WAY[state]} Nothing was erased.`, { members: { state } });
}

const ON_ITS_WAY = {
  awaiting_payment: "It waits for its payment, and is deleted when that does not come.",
  pending: "It waits for its block: have it mined, then erase it.",
  reserved: "Its block is being made: ask again when it is complete.",
  mined: "Its block is on its way into storage: ask again when it is complete.",
  restoring: "The chain has no block yet, or is being restored: ask again when it has all of them.",
} as const;

/** Letters that were not read yet might hold it. */
function whole<T>(answer: T | "reindexing"): T {
  if (answer !== "reindexing") return answer;
  throw new Problem(
    "unavailable",
    "The index of the dead letters is being made anew from R2. Ask again in a few seconds.",
    { headers: { "retry-after": "5" } },
  );
}
