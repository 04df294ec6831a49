import { beforeEach, describe, expect, it, vi } from "vitest";
import { logger } from "../../../../shared/runtime/log.ts";
import type { FoundDocument } from "../../../../shared/storage/documents.ts";
import type { Arrival } from "../../../../workers/gateway/http/operation.ts";
import { routerOf } from "../../../../workers/gateway/http/router.ts";
import { ROUTES } from "../../../../workers/gateway/routes.ts";

const ID = "a".repeat(64);
const FOUND: FoundDocument = { id: ID, cid: `Qm${"a".repeat(44)}`, bytes: 7_000, status: "unverified" };

let read: () => Promise<null>;
let indexed: FoundDocument | null | "reindexing";
beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue();
  [read, indexed] = [async () => null, null];
});

function get(path: string): Promise<Response> {
  const env = {
    RATE_LIMITING: "off",
    R2: { get: () => read() },
    STORAGE_VERIFIER: { findDocument: async () => indexed },
  } as unknown as Arrival["env"];
  const request = new Request(`https://vdc.example/api/documents/${path}`);
  const context = { waitUntil: () => {} } as unknown as Arrival["context"];
  return routerOf(ROUTES)({ request, env, context, requestId: "test", log: logger("test") });
}

describe("GET /api/documents/{id}", () => {
  it("answers not-found when R2 lacks the document and the index never knew it", async () => {
    await expect(get(ID)).rejects.toMatchObject({ slug: "not-found" });
  });

  it("answers unavailable, not not-found, while R2 can't be read: it may hold a document that is just arriving", async () => {
    read = async () => {
      throw new Error("R2 is down");
    };
    await expect(get(ID)).rejects.toMatchObject({ slug: "unavailable" });
  });
});

describe("GET /api/documents/{id}/status", () => {
  it("answers stored until the document is known to be pinned", async () => {
    indexed = FOUND;
    const { id, cid: documentCid, bytes } = FOUND;
    expect(await (await get(`${ID}/status`)).json()).toEqual({ id, documentCid, bytes, state: "stored" });
    indexed = { ...FOUND, status: "ok" };
    expect(await (await get(`${ID}/status`)).json()).toMatchObject({ state: "pinned" });
  });

  it("answers not-found only when the index is whole", async () => {
    await expect(get(`${ID}/status`)).rejects.toMatchObject({ slug: "not-found" });
    indexed = "reindexing";
    await expect(get(`${ID}/status`)).rejects.toMatchObject({ slug: "unavailable" });
  });
});
