import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../../cli/output/failure.ts";
import { DocumentRecord } from "../../../shared/chain/document.ts";
import type { Submission } from "../../../shared/chain/submission.ts";
import { generateUserKeys } from "../../../shared/client/user-keys.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { sha256Hex } from "../../../shared/crypto/hash.ts";
import { scratch } from "./chains.ts";
import { vdc } from "./in-process.ts";
import { serve, type Answered, type Served } from "./server.ts";

const TX = `vdc_tx_${"7".repeat(40)}`;
const WORDS = "the last will of somebody\n";

interface Shelf extends Served {
  /** Records by id. */
  readonly kept: Map<string, string>;
}

/** A deployment that stores documents and mines every submission. */
async function shelf(lie: object = {}, pinned = "pinned"): Promise<Shelf> {
  const kept = new Map<string, string>();
  const cids = new Map<string, string>();
  // The record's CID takes a promise, so it is computed when the record is requested again.
  const served = await serve(({ method, path, body }): Answered => {
    if (path === "/.well-known/vdc.json") return { body: { chainId: "vdc-of-a-test" } };
    if (path.startsWith("/api/vdc/transactions"))
      return { body: { txId: TX, state: method === "POST" ? "pending" : "mined", blockNumber: 3 } };
    if (path.endsWith("/status"))
      return { body: { id: path.split("/").at(-2), documentCid: "", bytes: 1, state: pinned } };
    if (method === "GET") {
      const found = kept.get(path.split("/").at(-1) ?? "");
      return found === undefined ? { status: 404, problem: "not-found" } : { body: found };
    }
    const cid = cids.get(body);
    if (cid === undefined) {
      void remember(body);
      return { status: 503, problem: "unavailable", headers: { "retry-after": "0.05" } };
    }
    const [id = ""] = [...kept].find(([, record]) => record === body) ?? [];
    return {
      body: {
        id,
        documentCid: cid,
        bytes: body.length,
        owner: "a".repeat(64),
        documentUrl: "",
        state: "stored",
        ...lie,
      },
    };
  });
  async function remember(body: string): Promise<void> {
    const { id, bytes } = await DocumentRecord.read(utf8(body));
    kept.set(id, body);
    cids.set(body, await cidV0(bytes));
  }
  return { ...served, kept };
}

interface Desk {
  readonly directory: string;
  readonly keys: string;
  readonly will: string;
}

function desk(): Desk {
  const directory = scratch();
  const keys = join(directory, "alice.keys.json");
  writeFileSync(keys, JSON.stringify(generateUserKeys()));
  const will = join(directory, "will.txt");
  writeFileSync(will, WORDS);
  return { directory, keys, will };
}

/** A deployment whose index has these entries. Each page has one of them. */
async function indexOf(documents: readonly object[], indexedThrough: object | null): Promise<Served> {
  return serve(({ path }): Answered => {
    const place = Number(new URL(path, "http://index").searchParams.get("after") ?? 0);
    const next = place + 1 < documents.length ? String(place + 1) : null;
    return { body: { documents: documents.slice(place, place + 1), indexedThrough, next } };
  });
}

const entry = (sha256: string, blockNumber: number) => ({
  sha256,
  blockNumber,
  index: 0,
  txId: TX,
  blockHash: "b".repeat(64),
  assetId: `will-${blockNumber}`,
  timestamp: 1_700_000_000_000,
});

describe("vdc document find", () => {
  const sha256 = sha256Hex(utf8(WORDS));
  const sibling = `${sha256.slice(0, 4)}${"0".repeat(60)}`;
  const claim = { blockNumber: 9, at: 1_700_000_000_000 };

  it("shows the deployment only the first digits of the hash, and finds the document among its siblings", async () => {
    const stack = await indexOf([entry(sibling, 1), entry(sha256, 2), entry(sha256, 3)], claim);
    const { code, stdout } = await vdc(stack, "document", "find", desk().will, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      sha256,
      documents: [entry(sha256, 2), entry(sha256, 3)],
      indexedThrough: claim,
    });
    expect(stack.asked).toHaveLength(3);
    for (const { path, body } of stack.asked) {
      expect(path).toContain(`prefix=${sha256.slice(0, 4)}&`);
      expect(path + body).not.toContain(sha256.slice(0, 5));
    }
  });

  it("sends the whole hash with --exact, and takes a hash instead of a file", async () => {
    const stack = await indexOf([entry(sha256, 2)], claim);
    const { code, stdout } = await vdc(stack, "document", "find", sha256, "--exact");
    expect(code).toBe(0);
    for (const text of [TX, "will-2", "up to block 9"]) expect(stdout).toContain(text);
    expect(stack.asked.map(({ path }) => path)).toEqual([`/api/vdc/documents/by-hash/${sha256}?limit=1000`]);
  });

  it("says how far the index is complete when it finds none", async () => {
    const known = await vdc(await indexOf([entry(sibling, 1)], claim), "document", "find", sha256);
    expect(known).toMatchObject({ code: EXIT.notFound, stderr: expect.stringContaining("up to block 9") });
    const unknown = await vdc(await indexOf([], null), "document", "find", sha256);
    expect(unknown).toMatchObject({ code: EXIT.notFound, stderr: expect.stringContaining("does not say") });
  });

  it("stops after a bounded number of pages, and says what to do", async () => {
    const stack = await serve(({ path }): Answered => ({
      body: { documents: [], indexedThrough: claim, next: `${path.length}` },
    }));
    const { code, stderr } = await vdc(stack, "document", "find", sha256);
    expect(code).toBe(EXIT.failure);
    expect(stderr).toContain("--exact");
    expect(stack.asked).toHaveLength(100);
  });
});

describe("vdc document", () => {
  it("keeps a file that only its owner opens: nothing of it is sent in clear, and it comes back as it was", async () => {
    const { directory, keys, will } = desk();
    const stack = await shelf();
    const put = await vdc(stack, "document", "put", will, "--keys", keys, "--json");
    expect(put).toMatchObject({ code: 0 });
    const { id, documentHash, documentCid, documentState } = JSON.parse(put.stdout);
    expect(documentState).toBe("pinned");
    expect(documentHash).toBe(sha256Hex(utf8(WORDS)));
    expect(documentCid).toMatch(/^Qm/);
    for (const { body } of stack.asked) expect(body).not.toContain(WORDS.trim());

    const back = join(directory, "back.txt");
    expect((await vdc(stack, "document", "get", id, "--keys", keys, "-o", back)).code).toBe(0);
    expect(readFileSync(back, "utf8")).toBe(WORDS);
    expect(statSync(back).mode & 0o777).toBe(0o600);
  });

  it("commits an asset to the hash of the file and to its CID", async () => {
    const { keys, will } = desk();
    const stack = await shelf();
    const args = ["document", "put", will, "--keys", keys, "--asset", "will-1", "--type", "will", "--json"];
    const { code, stdout } = await vdc(stack, ...args);
    const { documentHash, documentCid, txId, state } = JSON.parse(stdout);
    expect({ code, txId, state }).toEqual({ code: 0, txId: TX, state: "mined" });
    const { body } = stack.asked.find(({ path }) => path === "/api/vdc/transactions") ?? { body: "null" };
    const { type, data }: Submission = JSON.parse(body);
    expect({ type, data }).toEqual({
      type: "asset_creation",
      data: { assetId: "will-1", documentHash, documentCid, documentType: "will" },
    });
  });

  it.for([{ documentCid: `Qm${"a".repeat(44)}` }, { id: "b".repeat(64) }])(
    "signs nothing over what the deployment made up: %o",
    async (lie) => {
      const { keys, will } = desk();
      const stack = await shelf(lie);
      const { code } = await vdc(stack, "document", "put", will, "--keys", keys, "--asset", "will-1");
      expect(code).toBe(EXIT.unverified);
      expect(stack.asked.filter(({ path }) => path === "/api/vdc/transactions")).toEqual([]);
    },
  );

  it("shows what is done when the document is not pinned in time, and fails; with --no-wait it does not wait", async () => {
    const { keys, will } = desk();
    const stack = await shelf({}, "stored");
    const args = ["document", "put", will, "--keys", keys, "--asset", "will-1", "--json"];
    const late = await vdc(stack, ...args, "--timeout", "1");
    expect(late.code).toBe(EXIT.failure);
    expect(JSON.parse(late.stdout)).toMatchObject({ documentState: "stored", state: "mined" });
    expect(late.stderr).toContain("is not pinned after 1 s");
    const unwaited = await vdc(stack, ...args, "--no-wait");
    expect(unwaited.code).toBe(0);
    expect(JSON.parse(unwaited.stdout)).toMatchObject({ documentState: "stored", state: "pending" });
  });

  it("replaces no file unless it is told to, and asks for nothing before", async () => {
    const { keys, will } = desk();
    const stack = await shelf();
    const get = ["document", "get", "c".repeat(64), "--keys", keys, "-o", will];
    expect((await vdc(stack, ...get)).code).toBe(EXIT.refused);
    expect(stack.asked).toEqual([]);
    expect((await vdc(stack, ...get, "--force")).code).toBe(EXIT.notFound);
    expect(readFileSync(will, "utf8")).toBe(WORDS);
  });

  it("writes nothing of another's document, or of one that was changed or exchanged [T16]", async () => {
    const [alice, bob] = [desk(), desk()];
    const stack = await shelf();
    const ids: string[] = [];
    for (const will of [alice.will, alice.will]) {
      const { stdout } = await vdc(stack, "document", "put", will, "--keys", alice.keys, "--json");
      ids.push(JSON.parse(stdout).id);
    }
    const [first = "", second = ""] = ids;
    const out = join(alice.directory, "out");
    const get = async (keys: string) =>
      (await vdc(stack, "document", "get", first, "--keys", keys, "-o", out)).code;
    expect(await get(bob.keys)).toBe(EXIT.refused);
    const record = stack.kept.get(first) ?? "";
    for (const wrong of [
      stack.kept.get(second) ?? "",
      record.replace(/"ct":"..../, '"ct":"AAAA'),
      `${record} `,
      "{}",
    ]) {
      stack.kept.set(first, wrong);
      expect(await get(alice.keys)).toBe(EXIT.unverified);
    }
    expect(() => statSync(out)).toThrow("ENOENT");
  });

  it("takes no --type without the asset that it is for, and no --json without a file for the document", async () => {
    const { keys, will } = desk();
    const stack = await shelf();
    for (const args of [
      ["put", will, "--type", "will"],
      ["get", "c".repeat(64), "--json"],
    ])
      expect((await vdc(stack, "document", ...args, "--keys", keys)).code).toBe(EXIT.usage);
    expect(stack.asked).toEqual([]);
  });
});
