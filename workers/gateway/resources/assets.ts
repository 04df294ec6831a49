import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import type { AssetRecord } from "../../../shared/operations/block-index.ts";
import { readClaim } from "../../../shared/api/indexed-through.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/assets.ts";

export const asset = operation(api.asset, async ({ env, params: { assetId } }) => {
  const values = await env.KV.get<AssetRecord>([kvKeys.asset(assetId), kvKeys.indexed], "json");
  const record = values.get(kvKeys.asset(assetId)) ?? null;
  const indexedThrough = readClaim(values.get(kvKeys.indexed));
  if (record === null)
    throw new Problem(
      "not-found",
      "No block names this asset. One just mined can take a minute to show everywhere.",
      {
        members: { assetId, indexedThrough },
      },
    );
  return json({ ...record, indexedThrough } satisfies api.Asset, {
    headers: { "cache-control": "public, max-age=5" },
  });
});
