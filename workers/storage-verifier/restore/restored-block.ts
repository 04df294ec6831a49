import { InvalidBlock, readBlock, verifyBlock, type Block } from "../../../shared/chain/block.ts";
import { applyInOrder, changesOf } from "../../../shared/chain/ledger-changes.ts";
import { Ledger, ledgerKeysOf, type LedgerKeys } from "../../../shared/chain/ledger.ts";
import type { LedgerChanges, RestoredBlock } from "../../../shared/chain/reservation.ts";
import {
  announcedIn,
  keysAfter,
  keysOfGenesis,
  lookupIn,
  revokedIn,
} from "../../../shared/chain/signing-keys.ts";
import { systemTransactions } from "../../../shared/chain/system-transactions.ts";
import { transactionBytes } from "../../../shared/chain/transaction.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import type { LedgerState } from "../../chain-head/decisions/ledger.ts";
import type { RestorePoint } from "../../chain-head/decisions/restore.ts";

/** Reads the chain head's ledger, as of the last block that it has. */
export type ReadLedger = (keys: LedgerKeys) => Promise<LedgerState>;

/**
 * Verifies that bytes are the next block of the chain, and returns what the chain head must know about it.
 * @throws InvalidBlock; Error when the chain head has that block by now
 */
export async function restoredBlock(
  bytes: Uint8Array<ArrayBuffer>,
  chainId: string,
  { life, blockNumber, previousHash, previousCid, historyRoot, signingKeys }: RestorePoint,
  readLedger: ReadLedger,
): Promise<RestoredBlock> {
  const keys = blockNumber === 0 ? keysOfGenesis(readBlock(bytes)) : signingKeys;
  const place = { chainId, blockNumber, previousHash, previousCid, historyRoot };
  const block = await verifyBlock(bytes, place, lookupIn(keys));
  keysAfter(keys, block);
  const own = systemTransactions(block);
  return {
    life,
    blockNumber,
    timestamp: block.timestamp,
    previousHash,
    previousCid,
    historyRoot,
    hash: block.hash,
    sha256: await sha256HexOfFile(bytes),
    cid: await cidV0(bytes),
    byteLength: bytes.length,
    keyId: block.blockSignature.keyId,
    announces: announcedIn(block),
    revokes: revokedIn(block),
    systemTransactions: own,
    ...(await changesBy(block, readLedger)),
    transactions: fromOutside(block, own),
    pays: paidIn(block),
  };
}

/** Applies the rules across transactions. They hold in every block, because the miner seals none that breaks one. */
async function changesBy(
  { blockNumber, transactions }: Block,
  readLedger: ReadLedger,
): Promise<LedgerChanges> {
  const { asOf, ...entries } = await readLedger(ledgerKeysOf(transactions));
  if (asOf !== blockNumber - 1) throw new Error(`block ${blockNumber} has been restored meanwhile`);
  const ledger = new Ledger(entries);
  const [broken] = applyInOrder(ledger, transactions).broken;
  if (broken !== undefined)
    throw new InvalidBlock("broken_rule", `${broken.transaction.id} breaks a rule: ${broken.fault}`);
  return changesOf(transactions, ledger);
}

function fromOutside({ transactions }: Block, own: number): RestoredBlock["transactions"] {
  return transactions.slice(own).map((transaction, i) => {
    const { id: txId, timestamp } = transaction;
    return { txId, timestamp, size: transactionBytes(transaction).length, position: own + i };
  });
}

function paidIn({ transactions }: Block): RestoredBlock["pays"] {
  return transactions.flatMap(({ id: txId, type, data }) =>
    type === "payment" && data.pays !== undefined ? [{ txId, pays: data.pays }] : [],
  );
}
