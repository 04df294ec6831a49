import type { Block } from "../chain/block.ts";
import { keysAfter, keysOfGenesis, lookupIn, type ChainKey } from "../chain/signing-keys.ts";
import type { Transaction } from "../chain/transaction.ts";
import { fromHex } from "../crypto/bytes.ts";
import type { KeyStatement } from "./bundle.ts";
import { Refused } from "./report.ts";
import { isIncluded, verifySignedHeader } from "./signed-header.ts";
import { bytesOf, readTransaction } from "./transaction.ts";

/**
 * Verifies the chain of signing keys: genesis, then each rotation and revocation, each in a block that the key of its time
 * signed. A chain that withholds its last statements passes: later blocks do not sign with an unknown key.
 * @returns the chain's keys after the last statement
 * @throws Refused, InvalidBlock
 */
export async function verifyKeyChain(statements: readonly KeyStatement[]): Promise<readonly ChainKey[]> {
  let keys: readonly ChainKey[] = [];
  let [last, lastIndex] = [-1, -1];
  for (const statement of statements) {
    const { header, index } = statement;
    const { blockNumber } = header;
    if (
      blockNumber < last ||
      (blockNumber === last && index <= lastIndex) ||
      (last === -1) !== (blockNumber === 0)
    )
      throw new Refused(
        "wrong_order",
        `the key statement of block ${blockNumber} is not in the chain's order`,
      );
    const transaction = readTransaction(statement.transaction, header);
    requireInBlock(statement);
    if (!["genesis", "key_rotation", "key_revocation"].includes(transaction.type))
      throw new Refused(
        "wrong_order",
        `transaction ${index} of block ${blockNumber} states nothing about keys`,
      );
    const block = partOf(statement, transaction);
    // Genesis vouches for its own key. Any other block may be signed by the keys that are known before its own statements.
    const before = blockNumber === 0 ? keysOfGenesis(block) : keys;
    await verifySignedHeader(statement, lookupIn(before));
    keys = keysAfter(before, block);
    [last, lastIndex] = [blockNumber, index];
  }
  return keys;
}

/** @throws Refused("not_in_block") unless the transaction is at this place of the header's tree */
export function requireInBlock(
  placed: Pick<KeyStatement, "header" | "transaction" | "index" | "merklePath">,
): void {
  const { header, transaction, index, merklePath } = placed;
  const isIn = isIncluded({
    entry: bytesOf(transaction),
    index,
    size: header.transactionCount,
    path: merklePath,
    root: fromHex(header.merkleRoot),
  });
  if (!isIn)
    throw new Refused(
      "not_in_block",
      `the path does not lead from transaction ${index} to the Merkle root of block ${header.blockNumber}`,
    );
}

/** The block, with the one transaction that is known of it: the rules about keys read nothing else. */
function partOf({ header, blockSignature }: KeyStatement, transaction: Transaction): Block {
  return { ...header, hash: "", blockSignature, transactions: [transaction] };
}
