import type { Transaction } from "../chain/transaction.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { Refused } from "./report.ts";

/**
 * Checks that the transaction commits to exactly these bytes.
 * @returns the document's SHA-256
 * @throws Refused("other_document")
 */
export function requireDocument(document: Uint8Array, { id, type, data }: Transaction): string {
  const hash = sha256Hex(document);
  const committed = type === "asset_creation" ? data.documentHash : undefined;
  if (committed !== hash)
    throw new Refused(
      "other_document",
      `the document's SHA-256 is ${hash}, and ${id} commits to ${committed ?? "no document"}`,
    );
  return hash;
}
