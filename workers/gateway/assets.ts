import * as v from "valibot";
import { AssetId } from "../../shared/chain/transaction.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { CORS } from "./cors.ts";
import { operation } from "./operation.ts";

export const asset = operation(
  {
    does: "An asset: the transaction that created it, and the latest block that names it",
    who: "anyone",
    params: v.strictObject({ assetId: AssetId }),
    answers: { 200: v.unknown() },
    problems: ["not-found"],
  },
  async ({ env, params: { assetId } }) => {
    const record = await env.KV.get<object>(kvKeys.asset(assetId), "json");
    if (record === null)
      throw new Problem(
        "not-found",
        "No block names this asset. One just mined can take a minute to show everywhere.",
        {
          members: { assetId },
        },
      );
    return json(record, {
      headers: { ...CORS, "cache-control": "public, max-age=5" },
    });
  },
);
