import * as api from "../../../shared/api/contents.ts";
import { ROUTES } from "../../../shared/api/routes.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import document from "../openapi.json" with { type: "json" };

const calls = Object.keys(ROUTES).filter((call) => call !== "GET /");

export const contents = operation(api.contents, async () =>
  json({ name: "Veritas Documents Chain", calls } satisfies api.Contents),
);

export const openApi = operation(api.openApi, async () =>
  json(document satisfies api.OpenApi, { headers: { "cache-control": "public, max-age=300" } }),
);
