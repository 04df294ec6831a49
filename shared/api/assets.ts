import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { AssetId, Sha256Hex, TxId } from "../chain/transaction.ts";
import { CLAIM } from "./indexed-through.ts";
import type { Plan } from "./plan.ts";

/** The value in KV under `asset:{assetId}`, with the claim. Other systems may keep more members in it. */
export const Asset = v.looseObject({
  assetId: AssetId,
  txId: v.optional(v.pipe(TxId, v.description("The transaction that created it"))),
  owner: v.optional(
    v.pipe(
      Sha256Hex,
      v.description("Key id of the signing key that may transfer it; absent when nobody may"),
    ),
  ),
  vdcBlockNumber: v.pipe(BlockNumber, v.description("The highest block that names it")),
  ...CLAIM,
});
export type Asset = v.InferOutput<typeof Asset>;

export const asset = {
  does: "An asset: the transaction that created it, its owner, and the latest block that names it",
  who: "anyone",
  params: v.strictObject({ assetId: AssetId }),
  answers: { 200: Asset },
  problems: ["not-found"],
} as const satisfies Plan;
