import * as v from "valibot";
import type { Header } from "../chain/block.ts";
import { systemTxId } from "../chain/system-transactions.ts";
import { Transaction } from "../chain/transaction.ts";
import { fromBase64url } from "../crypto/bytes.ts";
import { parseCanonical } from "../crypto/canonical.ts";
import { issuesText } from "../schema/issue-text.ts";
import { Refused } from "./report.ts";

/**
 * Reads a transaction from its canonical bytes in base64url.
 * @throws Refused "not_canonical", or "other_chain" for a system transaction of another chain
 */
export function readTransaction(
  text: string,
  { chainId, blockNumber }: Pick<Header, "chainId" | "blockNumber">,
): Transaction {
  const transaction = parsed(bytesOf(text));
  const { id, type } = transaction;
  if ((type === "genesis") !== (blockNumber === 0))
    throw new Refused("not_canonical", `block ${blockNumber} can't hold a transaction of type ${type}`);
  const derived = systemTxId(chainId, transaction);
  if (derived !== undefined && derived !== id)
    throw new Refused("other_chain", `${id} is not the id of what the system made for this chain`);
  return transaction;
}

/** @throws Refused("not_canonical") */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text);
  } catch {
    throw new Refused("not_canonical", "the bytes are not in canonical base64url");
  }
}

function parsed(bytes: Uint8Array): Transaction {
  try {
    return parseCanonical(Transaction, bytes);
  } catch (error) {
    throw new Refused("not_canonical", `the transaction: ${reasonOf(error).slice(0, 500).toWellFormed()}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof v.ValiError)
    return issuesText((error as v.ValiError<typeof Transaction>).issues, "the whole");
  if (error instanceof SyntaxError) return "it is not JSON";
  return error instanceof Error ? error.message : String(error);
}
