import type { TransactionRecord } from "../../../shared/operations/block-index.ts";
import { reached } from "../../../shared/chain/states.ts";
import { transactionBytes as canonical } from "../../../shared/chain/transaction.ts";
import { sha256HexOfFile } from "../../../shared/crypto/hash.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { chainHead } from "../../../shared/objects/chain-head.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { hasVersion } from "../http/etag.ts";
import { operation, type Call } from "../http/operation.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import { readBlockRecord } from "./blocks.ts";
import * as api from "../../../shared/api/transactions.ts";

const FOR_EVER = "public, max-age=31536000, immutable";

/**
 * Shows the exact bytes of a mined transaction. A reader hashes them to the Merkle leaf, so they are answered as they are,
 * without a line end.
 */
export const transactionBytes = operation(api.transactionBytes, async (call) => {
  const { txId } = call.params;
  const bytes = (await fromIndex(call, txId)) ?? (await fromChainHead(call, txId));
  const etag = `"${await sha256HexOfFile(bytes)}"`;
  const headers = { etag, "cache-control": FOR_EVER };
  if (hasVersion(call.request, etag)) return new Response(null, { status: 304, headers });
  return new Response(bytes, {
    headers: {
      ...headers,
      "content-type": "application/json",
      "content-length": String(bytes.length),
      "content-disposition": `attachment; filename="${txId}.tx.json"`,
    },
  });
});

/** Reads the transaction from the place that the index names; `undefined` when the index has no place, or a wrong one. */
async function fromIndex(call: Call, txId: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const indexed = await call.env.KV.get<TransactionRecord>(kvKeys.transaction(txId), "json");
  return indexed === null ? undefined : bytesAt(call, txId, indexed);
}

/** @throws Problem "not-found" for an unknown transaction, "not-ready" for one that no published block holds */
async function fromChainHead(call: Call, txId: string): Promise<Uint8Array<ArrayBuffer>> {
  await countReadBeyondKv(call);
  const { transaction, intent, indexedThrough } = await chainHead(call.env).whereIs(txId);
  if (transaction === null && intent === null)
    throw new Problem("not-found", "The chain does not know this transaction.", {
      members: { txId, state: "unknown", indexedThrough },
    });
  const block = transaction?.state === "set_aside" ? null : (transaction?.block ?? null);
  if (block === null || block.index === null || !reached(block.state, "persisted"))
    throw new Problem(
      "not-ready",
      `No published block holds this transaction yet, so it has no final bytes. Ask again when /api/vdc/transactions/${txId} says that it is mined.`,
      { members: { txId, state: stateOf(transaction?.state, intent?.state) } },
    );
  const bytes = await bytesAt(call, txId, { blockNumber: block.blockNumber, index: block.index });
  if (bytes === undefined)
    throw new Error(`block ${block.blockNumber} does not hold ${txId} at ${block.index}`);
  return bytes;
}

/** The state as `GET /api/vdc/transactions/:txId` names it: a sealed block that is not published is still being made. */
function stateOf(transaction: string | undefined, intent: string | undefined): string | undefined {
  return transaction === "mined" ? "reserved" : (transaction ?? intent);
}

async function bytesAt(
  call: Call,
  txId: string,
  { blockNumber, index }: { readonly blockNumber: number; readonly index: number },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const transaction = (await readBlockRecord(call, blockNumber)).transactions[index];
  return transaction?.id === txId ? canonical(transaction) : undefined;
}
