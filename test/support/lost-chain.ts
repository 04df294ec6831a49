import type { RestoredBlock } from "../../shared/chain/reservation.ts";
import { ipfsHashOf, sealedFrom, TestHead } from "./chain-head.ts";

/** Storage tells of a chain, so a chain head without a block has lost its own. */
export const TRACES = { archive: true, kv: true };

/** A chain of `count` blocks (block n holds transaction n), and each block as its stored bytes would tell it. */
export function lostChain(count: number): { head: TestHead; blocks: RestoredBlock[] } {
  const head = new TestHead({ blockMaxTransactions: 1 });
  const blocks: RestoredBlock[] = [];
  for (let n = 0; n < count; n++) {
    if (n !== 1) head.admit(Math.max(1, n)); // genesis carries none, and is made for the first that waits
    head.requestMining();
    const reservation = head.reserved();
    const { revision: _, ...sealed } = sealedFrom(reservation);
    const own = sealed.systemTransactions;
    blocks.push({
      ...sealed,
      ...reservation,
      ipfsHash: ipfsHashOf(n),
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
