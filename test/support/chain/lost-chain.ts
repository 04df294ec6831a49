import type { RestoredBlock } from "../../../shared/chain/reservation.ts";
import { sealedFrom, TestHead } from "./chain-head.ts";

/** Storage holds traces of a chain, so a chain head without blocks has lost its storage. */
export const TRACES = { archive: true, kv: true };

/** Makes a chain of `count` blocks (block n holds transaction n), and each block as a restore reads it from storage. */
export function lostChain(count: number): { head: TestHead; blocks: RestoredBlock[] } {
  const head = new TestHead({ blockMaxTransactions: 1 });
  const blocks: RestoredBlock[] = [];
  for (let n = 0; n < count; n++) {
    if (n !== 1) head.admit(Math.max(1, n)); // genesis holds none, and is made when the first transaction is pending
    head.requestMining();
    const reservation = head.reserved();
    const { revision: _, ...sealed } = sealedFrom(reservation);
    const own = sealed.systemTransactions;
    blocks.push({
      ...sealed,
      ...reservation,
      transactions: reservation.transactions.map((id, i) => ({
        txId: id,
        timestamp: n,
        size: 500,
        position: own + i,
      })),
      pays: [],
    });
    head.seal(reservation);
    head.finish(n);
  }
  return { head, blocks };
}
