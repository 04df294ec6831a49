import * as v from "valibot";
import { AssetId, Sha256Hex, Timestamp, TxId } from "../chain/transaction.ts";

/**
 * The metadata of a document entry's key, `vdc:doc:{sha256}:{block}:{index}` in KV: a transaction whose `data.documentHash` is the
 * document's SHA-256. A list call returns metadata, so one call answers which transactions there are. KV limits it to 1,024
 * bytes; this takes 350 at most.
 */
export const DocumentEntry = v.strictObject({
  txId: TxId,
  blockHash: Sha256Hex,
  assetId: AssetId,
  timestamp: v.pipe(Timestamp, v.description("The transaction's own")),
});
export type DocumentEntry = v.InferOutput<typeof DocumentEntry>;
