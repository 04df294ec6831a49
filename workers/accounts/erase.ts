import { chainHead } from "../../shared/objects/chain-head.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { deadLetters } from "../../shared/objects/dead-letters.ts";
import { Problem } from "../../shared/http/problems.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { eraseFromArchive } from "../../shared/storage/private-archive.ts";
import { createOnly } from "../../shared/storage/r2-tier.ts";
import type { Erased } from "../../shared/api/privacy.ts";
import type { Erasure } from "../chain-head/decisions/erase.ts";
import type { Env } from "./env.ts";

type Allowed = Exclude<Erasure, { mayNot: unknown }>;

/**
 * Deletes the envelope of a transaction from every place, for good. The chain head decides first, so that it refuses the
 * transaction if it is delivered or replayed meanwhile. Each step may be repeated, and so may the whole call, with the same
 * answer.
 * @throws Problem "not-found", "not-ready" or "unavailable"
 */
export async function erase(
  txId: string,
  actor: { by: string; reason: string },
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
  const letters = whole(await deadLetters(env).erase(txId, actor));
  const removed = [...placesOf(decided, txId), ...letters];
  log.warn("private.erased", { txId, blockNumber, places: removed.length, by: actor.by });
  return { txId, blockNumber, erased: true, removed };
}

/**
 * Records the erasure in R2, so that it outlives the storage of the chain head: a restore reads the record. Then withdraws the
 * transaction again. The chain head may have lost its storage since it decided, have been restored without the record, and have
 * admitted the transaction anew.
 * @throws Problem "not-ready" when a block of the new life has the transaction by now
 */
async function recordWithdrawal(txId: string, env: Env): Promise<void> {
  await createOnly(env.R2, r2Keys.erased(txId), canonicalBytes({ txId, erasedAt: Date.now() }));
  const [withdrawal] = await chainHead(env).withdraw([txId]);
  if (withdrawal !== "withdrawn") throw refusal("mined");
}

/**
 * Lists the keys under which a late duplicate or a crash may have left the envelope. An expired submission can be paid and sent
 * again meanwhile: its envelope in `pending/` is then admitted and stays.
 */
function leftovers({ may }: Allowed, txId: string): string[] {
  return may === "expired"
    ? [r2Keys.intent(txId)]
    : [r2Keys.pending(txId), r2Keys.setAside(txId), r2Keys.intent(txId)];
}

/**
 * Lists the regular places of the envelope. Setting aside moves it from `pending/` to `set-aside/`, so a withdrawn one may be in
 * either.
 */
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

/**
 * Refuses to erase while the index of dead letters is being rebuilt: a dead letter that is not read yet may hold the transaction.
 */
function whole<T>(answer: T | "reindexing"): T {
  if (answer !== "reindexing") return answer;
  throw new Problem(
    "unavailable",
    "The index of the dead letters is being made anew from R2. Ask again in a few seconds.",
    { headers: { "retry-after": "5" } },
  );
}
