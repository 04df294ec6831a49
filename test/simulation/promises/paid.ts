import type { Stack } from "../platform/stack.ts";
import { FARTHEST } from "../world/clocks.ts";
import type { Mined } from "./mined.ts";
import type { Promised } from "./promised.ts";

interface PaidRow {
  readonly tx_id: string;
  readonly received_at: number | null;
  readonly expired_at: number | null;
  readonly paid_at: number | null;
}

/** Holds at any moment: a submission that VDC has and that is paid does not expire. It counts as accepted. */
export function checkPaid(stack: Stack, promised: Promised): void {
  const rows = stack
    .object("ChainHead", stack.chainId)
    .rows<PaidRow>(
      "SELECT tx_id, received_at, expired_at, (SELECT admitted_at FROM tx WHERE id = paid_by) AS paid_at FROM intent WHERE paid_by IS NOT NULL",
    );
  for (const { tx_id: txId, received_at, expired_at, paid_at } of rows) {
    if (expired_at !== null && paid_at !== null && paid_at + 2 * FARTHEST < expired_at)
      stack.world.broken("1 nothing is lost", `${txId} was paid, and has expired since`);
    if (received_at !== null && promised.isKept(txId) && !promised.wasTaken(txId))
      promised.taken(txId, "a submission that is paid");
  }
}

/** Holds in the end: a submission that must be paid is mined only with a payment that names it. */
export function checkUnpaid(stack: Stack, promised: Promised, mined: Mined): void {
  const paid = new Set<string>();
  for (const { transaction } of mined.values())
    if (transaction.type === "payment" && transaction.data.pays !== undefined)
      paid.add(transaction.data.pays);
  for (const txId of promised.payable)
    if (mined.has(txId) && !(promised.isPaid(txId) && paid.has(txId)))
      stack.world.broken("nothing is mined unpaid", txId);
}
