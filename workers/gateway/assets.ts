import { AssetId } from "../../shared/chain/transaction.ts";
import { json } from "../../shared/http/answer.ts";
import { Problem } from "../../shared/http/problems.ts";
import { kvKeys } from "../../shared/storage/layout.ts";
import { CORS } from "./cors.ts";
import { parameter } from "./parameters.ts";
import type { Call } from "./router.ts";

export async function asset({ env, params }: Call): Promise<Response> {
  const assetId = parameter("assetId", AssetId, params.assetId);
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
}
