import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Onlooker } from "./onlooker.ts";
import type { Promised } from "./promised.ts";

/**
 * Promise 1 holds at any moment: an accepted transaction is in a queue, in `pending/`, in a block, or a dead letter.
 */
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
      stack.r2.truth(r2Keys.setAside(txId)) !== undefined ||
      stack.r2.truth(r2Keys.intent(txId)) !== undefined ||
      queued.has(txId) ||
      parked.has(txId) ||
      promised.mayBeErased(txId) ||
      promised.refusals.has(txId);
    if (!somewhere)
      stack.world.broken("1 nothing is lost", `${txId}, of ${promised.originOf(txId)}, is nowhere`);
  }
}

/**
 * Promise 7: a transaction is set aside only if it breaks a rule of the chain, not if it could not be read for a while.
 */
export function checkSetAside(stack: Stack, promised: Promised): void {
  const head = stack.object("ChainHead", stack.chainId);
  for (const txId of promised.refusals) {
    // A chain head that has lost its storage has no row of it.
    const [row] = head.rows<{ state: string; reason: string }>(
      `SELECT state, reason FROM tx WHERE id = '${txId}'`,
    );
    if (row !== undefined && !(row.state === "set_aside" && promised.mayBeSetAside(txId, row.reason)))
      stack.world.broken("7 a read error is never empty", `${txId} was deleted, and is ${row.state}`);
  }
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

/** Returns the reason why the chain head halted, if it did. */
export function haltReason(stack: Stack): string | undefined {
  const head = stack.object("ChainHead", stack.chainId);
  const [row] = head.rows<{ value: string }>("SELECT value FROM fact WHERE name = 'halted'");
  return row?.value;
}
