import { kvKeys, r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Onlooker } from "./onlooker.ts";
import type { Promised } from "./promised.ts";

/** Promise 1, at any moment: what was taken is in a queue, in `pending/`, in a block, or among the dead letters. */
export function checkNothingLost(stack: Stack, promised: Promised, onlooker: Onlooker): void {
  const queued = new Set<string>();
  for (const queue of stack.queues.values())
    for (const body of queue.bodies())
      for (const [txId] of JSON.stringify(body).matchAll(TX_ID)) queued.add(txId);
  const parked = new Set<string>();
  for (const key of stack.r2.keys(r2Keys.deadLetterPrefix))
    for (const [txId] of Buffer.from(stack.r2.truth(key)?.bytes ?? [])
      .toString()
      .matchAll(TX_ID))
      parked.add(txId);
  for (const txId of promised.transactions) {
    const somewhere =
      onlooker.blockOf(txId) !== undefined ||
      stack.r2.truth(r2Keys.pending(txId)) !== undefined ||
      stack.r2.truth(r2Keys.intent(txId)) !== undefined ||
      queued.has(txId) ||
      parked.has(txId) ||
      promised.mayBeErased(txId);
    if (!somewhere)
      stack.world.broken("1 nothing is lost", `${txId}, of ${promised.originOf(txId)}, is nowhere`);
  }
}

/** Promise 7: only what breaks a rule of the chain is set aside, never what could not be read for a while. */
export function checkSetAside(stack: Stack, promised: Promised): void {
  for (const key of stack.r2.keys(r2Keys.deadLetterPrefix)) {
    const record = JSON.parse(Buffer.from(stack.r2.truth(key)?.bytes ?? []).toString()) as {
      reason: string;
      txId: string | null;
    };
    const { reason, txId } = record;
    if (reason !== "retries_exhausted" && !(txId !== null && promised.mayBeSetAside(txId, reason)))
      stack.world.broken("7 a read error is never empty", `${key} was given up as ${reason}`);
  }
}

const TX_ID = /vdc_tx_[0-9a-f]{40}/g;

/** Why the chain head stopped mining, if it did. */
export function haltReason(stack: Stack): string | undefined {
  const head = stack.object("ChainHead", stack.chainId);
  const [row] = head.rows<{ value: string }>("SELECT value FROM fact WHERE name = 'halted'");
  return row?.value;
}

/** Whether all that was taken is in a block or set aside, and nothing is under way any more. */
export function isAtRest(stack: Stack, onlooker: Onlooker): boolean {
  const head = stack.object("ChainHead", stack.chainId);
  const [left] = head.rows<{ pending: number; unfinished: number }>(
    "SELECT (SELECT count(*) FROM tx WHERE state IN ('pending', 'reserved')) AS pending, (SELECT count(*) FROM block WHERE state <> 'complete') AS unfinished",
  );
  if (left === undefined || left.pending > 0 || left.unfinished > 0) return false;
  if ([...stack.queues.values()].some((queue) => queue.bodies().length > 0)) return false;
  if (!isAccountsAtRest(stack)) return false;
  const latest = JSON.parse(stack.kv.truth(kvKeys.latest) ?? "null") as { blockNumber: number } | null;
  return (latest?.blockNumber ?? -1) === onlooker.blocks - 1;
}

/** No submission waits for its payment, no document is half stored, no replay runs. */
function isAccountsAtRest(stack: Stack): boolean {
  const waiting = [r2Keys.intentPrefix, r2Keys.uploadPrefix].some(
    (prefix) => stack.r2.keys(prefix).length > 0,
  );
  const intents = stack
    .object("ChainHead", stack.chainId)
    .rows(
      "SELECT tx_id FROM intent WHERE received_at IS NOT NULL AND admitted = 0 AND (expired_at IS NULL OR paid_by IS NOT NULL)",
    );
  const replays = stack
    .object("DeadLetters", stack.chainId)
    .rows("SELECT id FROM replay WHERE state = 'running'");
  return !waiting && intents.length === 0 && replays.length === 0;
}
