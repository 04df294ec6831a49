import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROUTES } from "../routes.ts";
import { documentOf } from "./document.ts";

/** `npm run openapi`. The text is committed, so that the Worker carries no generator. */
export const OPENAPI_FILE = join(import.meta.dirname, "../openapi.json");

export function openapiText(): string {
  const text = readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `${JSON.stringify(documentOf(ROUTES, version), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(OPENAPI_FILE, openapiText());
