import { assetsOf } from "../../shared/chain/assets.ts";
import { InvalidBlock, readBlock, verifyBlock, type Block } from "../../shared/chain/block.ts";
import type { RestoredBlock } from "../../shared/chain/reservation.ts";
import { keysOfGenesis, rotatedIn, systemTransactions } from "../../shared/chain/signing-keys.ts";
import { transactionBytes } from "../../shared/chain/transaction.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import type { RestorePoint } from "../chain-head/restore.ts";

/**
 * Verifies that bytes are the block that comes next in the chain, and tells what the chain head has to know of it.
 * @throws InvalidBlock
 */
export async function restoredBlock(
  bytes: Uint8Array<ArrayBuffer>,
  chainId: string,
  { blockNumber, previousHash, historyRoot, signingKeys }: RestorePoint,
): Promise<RestoredBlock> {
  const announced = blockNumber === 0 ? keysOfGenesis(readBlock(bytes)) : signingKeys;
  const keys = new Map(announced.map(({ keyId, publicKey }) => [keyId, publicKey]));
  const place = { chainId, blockNumber, previousHash, historyRoot };
  const block = await verifyBlock(bytes, place, (keyId) => keys.get(keyId));
  const own = systemTransactions(block);
  return {
    blockNumber,
    timestamp: block.timestamp,
    previousHash,
    historyRoot,
    hash: block.hash,
    sha256: await sha256HexOfFile(bytes),
    byteLength: bytes.length,
    keyId: block.blockSignature.keyId,
    ipfsHash: await cidV0(bytes),
    announces: blockNumber === 0 ? keysOfGenesis(block) : rotatedIn(block),
    systemTransactions: own,
    assets: assetsOf(block.transactions),
    transactions: fromOutside(block, own),
    pays: paidIn(block),
  };
}

function fromOutside({ blockNumber, transactions }: Block, own: number): RestoredBlock["transactions"] {
  return transactions.slice(own).map((transaction, i) => {
    if (transaction.type === "genesis" || transaction.type === "key_rotation")
      throw new InvalidBlock(
        "wrong_place",
        `block ${blockNumber} has a ${transaction.type} not at its front`,
      );
    const { id: txId, timestamp } = transaction;
    return { txId, timestamp, size: transactionBytes(transaction).length, position: own + i };
  });
}

function paidIn({ transactions }: Block): RestoredBlock["pays"] {
  return transactions.flatMap(({ id: txId, type, data }) =>
    type === "payment" && data.pays !== undefined ? [{ txId, pays: data.pays }] : [],
  );
}
