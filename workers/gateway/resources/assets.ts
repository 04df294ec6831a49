import * as v from "valibot";
import { BlockNumber } from "../../../shared/chain/block.ts";
import { AssetId, Sha256Hex, TxId } from "../../../shared/chain/transaction.ts";
import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { operation } from "../http/operation.ts";

/** The value in KV under `asset:{assetId}`. Other systems may keep more members in it. */
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
});
export type Asset = v.InferOutput<typeof Asset>;

export const asset = operation(
  {
    does: "An asset: the transaction that created it, its owner, and the latest block that names it",
    who: "anyone",
    params: v.strictObject({ assetId: AssetId }),
    answers: { 200: Asset },
    problems: ["not-found"],
  },
  async ({ env, params: { assetId } }) => {
    const record = await env.KV.get<Asset>(kvKeys.asset(assetId), "json");
    if (record === null)
      throw new Problem(
        "not-found",
        "No block names this asset. One just mined can take a minute to show everywhere.",
        {
          members: { assetId },
        },
      );
    return json(record satisfies Asset, {
      headers: { "cache-control": "public, max-age=5" },
    });
  },
);
