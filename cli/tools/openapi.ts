import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { documentOf } from "./openapi/document.ts";
import { ROOT } from "../local/stack/workers.ts";
import { configurationPage } from "./configuration.ts";
import { httpApiPage, type OpenApiDocument } from "./http-api.ts";

/** Files that `npm run openapi` makes from the code. They are committed, so that no Worker and no reader needs a generator. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "workers/gateway/openapi.json": () => `${JSON.stringify(openapiDocument(), null, 2)}\n`,
  "docs/http-api.md": () => httpApiPage(openapiDocument()),
  "docs/configuration.md": configurationPage,
};

function openapiDocument(): OpenApiDocument {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return JSON.parse(JSON.stringify(documentOf(version))) as OpenApiDocument;
}

if (import.meta.main)
  for (const [file, text] of Object.entries(GENERATED)) writeFileSync(join(ROOT, file), text());
