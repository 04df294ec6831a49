import { expect } from "vitest";
import type { Pipeline } from "../support/stack/pipeline.ts";

/** The public calls. Every other call of the gateway is for operators, also a call that is added later. */
const PUBLIC = [
  "POST /api/stripe/webhook",
  "GET /api/vdc/latest",
  "GET /api/vdc/blocks",
  "GET /api/vdc/blocks/:blockNumber",
  "POST /api/vdc/transactions",
  "GET /api/vdc/transactions/:txId",
  "GET /api/vdc/transactions/:txId/bytes",
  "GET /api/vdc/transactions/:txId/proof",
  "GET /api/vdc/consistency",
  "GET /api/vdc/assets/:assetId",
  "GET /.well-known/vdc.json",
  "GET /api/vdc/documents/by-hash",
  "GET /api/vdc/documents/by-hash/:sha256",
  "POST /api/documents",
  "GET /api/documents/:documentId",
  "GET /api/documents/:documentId/status",
  "POST /api/activation",
  "GET /api/users/:userId/metadata",
  "PUT /api/users/:userId/metadata",
  "GET /api/health",
  "GET /api/ready",
  "GET /openapi.json",
];

interface OperatorCall {
  method: string;
  path: string;
}

/** Required parameters of a call's query. */
const QUERIES: Readonly<Record<string, string>> = {
  "GET /api/storage-verify/records": "?kind=private_archive",
};

/** Lists every call of the gateway that is for operators. */
export async function operatorCalls(pipeline: Pipeline): Promise<OperatorCall[]> {
  const { calls }: { calls: string[] } = await (await pipeline.fetch("/")).json();
  const found = calls
    .filter((call) => !PUBLIC.includes(call) && !call.startsWith("GET /log/"))
    .map((call) => {
      const [method = "", path = ""] = call.split(" ");
      return { method, path: `${path.replaceAll(/:\w+/g, "1")}${QUERIES[call] ?? ""}` };
    });
  const paths = found.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["/api/vdc/mine", "/api/vdc/pending", "/api/vdc/status"]));
  return found;
}

export function call(
  pipeline: Pipeline,
  { method, path }: OperatorCall,
  headers: Record<string, string> = {},
) {
  return pipeline.fetch(path, { method, headers });
}
