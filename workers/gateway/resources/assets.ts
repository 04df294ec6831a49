import { json } from "../../../shared/http/answer.ts";
import { Problem } from "../../../shared/http/problems.ts";
import { kvKeys } from "../../../shared/storage/layout.ts";
import { operation } from "../http/operation.ts";
import * as api from "../../../shared/api/assets.ts";

export const asset = operation(api.asset, async ({ env, params: { assetId } }) => {
  const record = await env.KV.get<api.Asset>(kvKeys.asset(assetId), "json");
  if (record === null)
    throw new Problem(
      "not-found",
      "No block names this asset. One just mined can take a minute to show everywhere.",
      {
        members: { assetId },
      },
    );
  return json(record satisfies api.Asset, {
    headers: { "cache-control": "public, max-age=5" },
  });
});
