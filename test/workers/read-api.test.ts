import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readBlock } from "../../shared/chain/block.ts";
import { ChainVerifier } from "../../shared/chain/verify-chain.ts";
import { leafHash, merkleRoot } from "../../shared/chain/merkle.ts";
import { transactionBytes } from "../../shared/chain/transaction.ts";
import { hex, utf8 } from "../../shared/crypto/bytes.ts";
import { sha256Hex } from "../../shared/crypto/hash.ts";
import { generateKeyring } from "../../shared/crypto/keyring.ts";
import { kvKeys, r2Keys } from "../../shared/storage/layout.ts";
import { publicKeyOf } from "../../cli/local/stack/secrets.ts";
import { checkChain } from "../support/chain/check-chain.ts";
import { until } from "../support/stack/patience.ts";
import { creation as unsignedCreation } from "../../shared/client/unsigned.ts";
import { newUser, postSubmission, signed } from "../support/users/accounts.ts";
import { mine, purchase, untilIdle, untilWaiting } from "../support/payments/payments.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectHeaders, expectProblem } from "../support/assertions/problems.ts";
import { deliverTo } from "../support/stack/queues.ts";
import { payloadOf, seal, submit } from "../support/payments/sealed-payments.ts";

const TX_ID = `vdc_tx_${"0".repeat(40)}`;
const IMMUTABLE = "public, max-age=31536000, immutable";

/** The claim of how far the index is complete, whichever it is at the moment. */
const CLAIM: unknown = expect.toBeOneOf([null, { blockNumber: expect.any(Number), at: expect.any(Number) }]);

type Json = Record<string, unknown>;

async function read<Body = Json>(pipeline: Pipeline, path: string): Promise<Body> {
  const response = await pipeline.fetch(path);
  const text = await response.text();
  expect(response.status, `${path} ${text}`).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expectHeaders(response);
  return JSON.parse(text) as Body;
}

/** Returns the block in R2, without the members that KV and the API add. */
async function archived({ r2 }: Pipeline, blockNumber: number): Promise<Json> {
  const object = await r2.get(r2Keys.block(blockNumber));
  if (object === null) throw new Error(`R2 has no block ${blockNumber}`);
  return object.json();
}

describe("an empty chain", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline.close());

  it("has no latest block, no blocks and no genesis, and says so", async () => {
    await expectProblem(await pipeline.fetch("/api/vdc/latest"), "not-found");
    expect(await read(pipeline, "/api/vdc/blocks")).toEqual({ blocks: [], indexedThrough: null, next: null });
    const problem = await expectProblem(await pipeline.fetch("/api/vdc/blocks/0"), "not-found");
    expect(problem).toMatchObject({ latest: null, state: null });
    expect(await read(pipeline, "/.well-known/vdc.json")).toEqual({
      chainId: "vdc-main",
      formatVersion: 1,
      genesisHash: null,
      latestBlock: null,
      indexedThrough: null,
      signingKeys: [],
      ipfsGatewayUrl: pipeline.pinning.gatewayUrl,
      log: null,
    });
  });

  it("is alive and ready", async () => {
    expect(await read(pipeline, "/api/health")).toEqual({ status: "ok" });
    const { ready, checks } = await read<{ ready: boolean; checks: object }>(pipeline, "/api/ready");
    expect(ready).toBe(true);
    expect(Object.keys(checks)).toEqual(expect.arrayContaining(["kv", "r2", "ingest", "chain"]));
    for (const check of Object.values(checks)) expect(check).toEqual({ ok: true });
  });
});

describe("the public reads", () => {
  const LAST = 3; // number of the last block of the chain below
  let pipeline: Pipeline;
  afterEach(() => pipeline.pinning.clearFaults());
  let assetTx: string;
  beforeAll(async () => {
    pipeline = await startPipeline();
    await submit(pipeline);
    await mine(pipeline);
    assetTx = await submit(pipeline, purchase({ assetId: "deed:1.a_B-c" }));
    await submit(pipeline);
    await mine(pipeline);
    await submit(pipeline);
    await mine(pipeline);
  });
  afterAll(() => pipeline.close());

  it("name the latest block, from KV or, where KV has lost it, from the chain head", async () => {
    const { hash, timestamp } = await archived(pipeline, LAST);
    const [{ ipfsHash }] = (await read<{ blocks: [Json] }>(pipeline, "/api/vdc/blocks?limit=1")).blocks;
    const expected = { blockNumber: LAST, hash, ipfsHash, timestamp, indexedThrough: CLAIM };
    expect(await read(pipeline, "/api/vdc/latest")).toEqual(expected);
    const value = (await pipeline.kv.get(kvKeys.latest)) ?? "";
    await pipeline.kv.delete(kvKeys.latest);
    expect(await read(pipeline, "/api/vdc/latest")).toEqual(expected);
    await pipeline.kv.put(kvKeys.latest, value);
  });

  it("give every block with where its copies are, cached for ever", async () => {
    for (let n = 0; n <= LAST; n++) {
      const response = await pipeline.fetch(`/api/vdc/blocks/${n}`);
      const { ipfsHash, ipfsGatewayUrl, storage, ...block }: Json = await response.json();
      expect(block).toEqual(await archived(pipeline, n));
      expect(ipfsGatewayUrl).toBe(`${pipeline.pinning.gatewayUrl}/ipfs/${String(ipfsHash)}`);
      expect(storage).toEqual({ r2Key: r2Keys.block(n), storedAt: expect.any(Number) });
      const pinned = await fetch(String(ipfsGatewayUrl));
      expect(await pinned.json()).toEqual(block);
      expect(response.headers.get("etag")).toBe(`"${String(block.hash)}"`);
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("x-vdc-tier")).toBe("kv");
      expectHeaders(response);
    }
  });

  it("answer 304 to whoever has the block already, and the block to whoever has another", async () => {
    const { hash } = await archived(pipeline, 1);
    const ask = (etag: string) => pipeline.fetch("/api/vdc/blocks/1", { headers: { "if-none-match": etag } });
    for (const etag of [`"${String(hash)}"`, `W/"${String(hash)}"`, `"other" , "${String(hash)}"`]) {
      const response = await ask(etag);
      expect(response.status, etag).toBe(304);
      expect(await response.text()).toBe("");
      expect(response.headers.get("etag")).toBe(`"${String(hash)}"`);
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
      expectHeaders(response);
    }
    for (const etag of ['"other"', String(hash)]) {
      const response = await ask(etag);
      expect(response.status, etag).toBe(200);
      await response.body?.cancel();
    }
  });

  it("list the blocks page by page, newest first, each once", async () => {
    type Page = { blocks: { blockNumber: number; hash: string }[]; next: number | null };
    const seen: number[] = [];
    let next: number | null = null;
    do {
      const before: string = next === null ? "" : `&before=${next}`;
      const page: Page = await read<Page>(pipeline, `/api/vdc/blocks?limit=3${before}`);
      expect(page.blocks.length).toBeLessThanOrEqual(3);
      seen.push(...page.blocks.map(({ blockNumber }) => blockNumber));
      next = page.next;
    } while (next !== null);
    expect(seen).toEqual([3, 2, 1, 0]);

    const { blocks } = await read<Page>(pipeline, "/api/vdc/blocks?before=2");
    const { hash, previousHash, previousCid, historyRoot, timestamp, transactionCount } = await archived(
      pipeline,
      1,
    );
    expect(blocks.map(({ blockNumber }) => blockNumber)).toEqual([1, 0]);
    const { ipfsHash } = await read(pipeline, "/api/vdc/blocks/1");
    expect(blocks[0]).toEqual({
      blockNumber: 1,
      hash,
      previousHash,
      previousCid,
      historyRoot,
      timestamp,
      transactionCount,
      ipfsHash,
    });
    expect(await read(pipeline, "/api/vdc/blocks?before=0")).toEqual({
      blocks: [],
      indexedThrough: CLAIM,
      next: null,
    });
  });

  it("tell of an asset that a block names, and of no other", async () => {
    expect(await read(pipeline, "/api/vdc/assets/deed:1.a_B-c")).toEqual({
      assetId: "deed:1.a_B-c",
      txId: assetTx,
      vdcBlockNumber: 2,
      indexedThrough: CLAIM,
    });
    expect(await read(pipeline, "/api/vdc/assets/deed%3A1.a_B-c")).toMatchObject({ vdcBlockNumber: 2 });
    const problem = await expectProblem(await pipeline.fetch("/api/vdc/assets/deed-99"), "not-found");
    expect(problem).toMatchObject({ assetId: "deed-99", indexedThrough: CLAIM });
  });

  it("say all that a stranger needs to verify the chain", async () => {
    const wellKnown = await read<{
      genesisHash: string;
      signingKeys: { keyId: string; publicKey: string }[];
    }>(pipeline, "/.well-known/vdc.json");
    const verifier = new ChainVerifier();
    const stored = await pipeline.r2.get(r2Keys.block(0));
    const genesis = await verifier.add(new Uint8Array((await stored?.arrayBuffer()) ?? []));
    expect(wellKnown).toMatchObject({
      chainId: "vdc-main",
      formatVersion: 1,
      genesisHash: genesis.hash,
      latestBlock: LAST,
    });
    const [announced] = genesis.transactions;
    expect(announced?.type === "genesis" && announced.data.signingKeys).toEqual(
      wellKnown.signingKeys.map(({ keyId, publicKey }) => ({ keyId, algorithm: "ML-DSA-44", publicKey })),
    );
    expect(wellKnown.signingKeys).toMatchObject([
      { algorithm: "ML-DSA-44", announcedIn: 0, blocks: { first: 0, last: LAST } },
    ]);
  });

  it("say where a transaction is: unknown, pending, mined, or set aside with the reason", async () => {
    const at = (txId: string) => read(pipeline, `/api/vdc/transactions/${txId}`);
    const unknown = await pipeline.fetch(`/api/vdc/transactions/${TX_ID}`);
    expect(await expectProblem(unknown, "not-found")).toMatchObject({
      txId: TX_ID,
      state: "unknown",
      indexedThrough: CLAIM,
    });

    const [payload, foreign] = [payloadOf(), payloadOf()];
    const txId = payload.transaction.id;
    const publicKey = await publicKeyOf(await generateKeyring());
    const { acked } = await deliverTo(pipeline, "pending-writer", [
      { body: await seal(pipeline, payload) },
      { body: await seal(pipeline, foreign, { publicKey }) },
    ]);
    expect(acked).toHaveLength(2);
    const { timestamp } = payload.transaction;
    expect(await at(txId)).toEqual({
      txId,
      state: "pending",
      timestamp,
      admittedAt: expect.any(Number),
      indexedThrough: CLAIM,
    });

    const { blockNumber, transactions } = await mine(pipeline);
    expect(transactions).toBe(1);
    const { hash } = await archived(pipeline, blockNumber);
    expect(await at(txId)).toEqual({
      txId,
      state: "mined",
      blockNumber,
      index: 0,
      blockHash: hash,
      type: "payment",
      timestamp,
      blockUrl: `/api/vdc/blocks/${blockNumber}`,
      indexedThrough: CLAIM,
    });
    await pipeline.kv.delete(kvKeys.transaction(txId)); // lost, or not yet visible in KV
    expect(await at(txId)).toEqual({
      txId,
      state: "mined",
      blockNumber,
      index: 0,
      timestamp,
      blockUrl: `/api/vdc/blocks/${blockNumber}`,
      indexedThrough: CLAIM,
    });
    expect(await at(foreign.transaction.id)).toMatchObject({ state: "set_aside", reason: "unknown_key" });
  });

  it("give the bytes of a mined transaction, which hash to its Merkle leaf and never change", async () => {
    const path = `/api/vdc/transactions/${assetTx}/bytes`;
    const block = readBlock(utf8(JSON.stringify(await archived(pipeline, 2))));
    const index = block.transactions.findIndex(({ id }) => id === assetTx);
    const response = await pipeline.fetch(path);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.status).toBe(200);
    expectHeaders(response);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${assetTx}.tx.json"`);
    expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-expose-headers")).toContain("content-disposition");
    const etag = `"${sha256Hex(bytes)}"`;
    expect(response.headers.get("etag")).toBe(etag);
    const leaves = block.transactions.map((transaction, i) =>
      leafHash(i === index ? bytes : transactionBytes(transaction)),
    );
    expect(hex(merkleRoot(leaves))).toBe(block.merkleRoot);

    const again = await pipeline.fetch(path, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(again.headers.get("etag")).toBe(etag);
  });

  it("give the bytes of a transaction too while KV has lost its place, or names a wrong one", async () => {
    const key = kvKeys.transaction(assetTx);
    const kept = (await pipeline.kv.get(key)) ?? "";
    const whole = await (await pipeline.fetch(`/api/vdc/transactions/${assetTx}/bytes`)).text();
    const { index } = JSON.parse(kept) as { index: number };
    for (const wrong of [undefined, JSON.stringify({ ...JSON.parse(kept), index: index + 100 })]) {
      await (wrong === undefined ? pipeline.kv.delete(key) : pipeline.kv.put(key, wrong));
      expect(await (await pipeline.fetch(`/api/vdc/transactions/${assetTx}/bytes`)).text()).toBe(whole);
    }
    await pipeline.kv.put(key, kept);
  });

  it("give no bytes of a transaction that no block holds: unknown, or not yet", async () => {
    const bytesOf = (txId: string) => pipeline.fetch(`/api/vdc/transactions/${txId}/bytes`);
    expect(await expectProblem(await bytesOf(TX_ID), "not-found")).toMatchObject({ state: "unknown" });
    const txId = await submit(pipeline);
    const problem = await expectProblem(await bytesOf(txId), "not-ready");
    expect(problem).toMatchObject({ txId, state: "pending" });
    expect(problem.detail).toContain(`/api/vdc/transactions/${txId} says that it is mined`);
    await mine(pipeline);
    await untilIdle(pipeline);
    const mined = await bytesOf(txId);
    expect(await mined.json()).toMatchObject({ id: txId, type: "payment" });
  });

  it("say how far the index is complete, once every reader of KV sees it", async () => {
    await untilIdle(pipeline);
    const { blockNumber } = await read<{ blockNumber: number }>(pipeline, "/api/vdc/latest");
    const claim = { blockNumber, at: expect.any(Number) };
    const claimedAt = async (path: string) =>
      (await (await pipeline.fetch(path)).json<Json>()).indexedThrough;
    for (const path of [
      "/api/vdc/latest",
      "/api/vdc/blocks",
      "/.well-known/vdc.json",
      `/api/vdc/transactions/${assetTx}`,
      `/api/vdc/transactions/${TX_ID}`,
      `/api/vdc/transactions/${TX_ID}/bytes`,
      "/api/vdc/assets/deed:1.a_B-c",
      "/api/vdc/assets/deed-99",
      `/api/vdc/documents/by-hash/${"f".repeat(64)}`,
      "/api/vdc/documents/by-hash?prefix=ffff",
    ])
      await until(async () => expect(await claimedAt(path), path).toEqual(claim));
  });

  it("show nothing of a block before it is in every tier, though R2 has it [T18 T49]", async () => {
    pipeline.pinning.setFault({ kind: "fail", status: 500, on: "upload" });
    const before = await read<{ blockNumber: number }>(pipeline, "/api/vdc/latest");
    const blockNumber = before.blockNumber + 1;
    const txId = await submit(pipeline);
    const asked = await pipeline.operate("/api/vdc/mine", { method: "POST" });
    expect(asked.status).toBe(202);
    await until(async () => expect(await pipeline.r2.head(r2Keys.block(blockNumber))).not.toBeNull());

    const hidden = await pipeline.fetch(`/api/vdc/blocks/${blockNumber}`);
    expect(await expectProblem(hidden, "not-found")).toMatchObject({
      state: "sealed",
      latest: before.blockNumber,
    });
    expect(await read(pipeline, `/api/vdc/transactions/${txId}`)).toMatchObject({
      txId,
      state: "reserved",
      blockNumber,
      blockState: "sealed",
    });
    const bytes = await pipeline.fetch(`/api/vdc/transactions/${txId}/bytes`);
    expect(await expectProblem(bytes, "not-ready")).toMatchObject({ txId, state: "reserved" });
    expect(await read(pipeline, "/api/vdc/latest")).toEqual(before);
    const { blocks } = await read<{ blocks: Json[] }>(pipeline, "/api/vdc/blocks");
    expect(blocks[0]).toMatchObject({ blockNumber: before.blockNumber });
    expect(await read(pipeline, "/.well-known/vdc.json")).toMatchObject({ latestBlock: before.blockNumber });

    pipeline.pinning.clearFaults();
    await untilIdle(pipeline);
    expect(await read(pipeline, `/api/vdc/blocks/${blockNumber}`)).toMatchObject({ blockNumber });
    expect(await read(pipeline, `/api/vdc/transactions/${txId}`)).toMatchObject({ state: "mined" });
  });

  describe("of documents by hash", () => {
    type Found = { documents: Json[]; next: string | null };
    const sha256 = sha256Hex(utf8("a deed"));
    const sibling = sha256.slice(0, 4) + sha256Hex(utf8("another")).slice(4);
    const entries: Json[] = [];
    beforeAll(async () => {
      const user = await newUser();
      for (const [assetId, documentHash] of [
        ["deed-a", sha256],
        ["deed-b", sha256],
        ["deed-c", sibling],
        ["deed-d", sha256Hex(utf8("a will"))],
      ] as const) {
        const submission = await signed(user, unsignedCreation({ assetId, documentHash }));
        expect((await postSubmission(pipeline, submission)).status).toBe(202);
        await untilWaiting(pipeline, 1);
        const { blockNumber } = await mine(pipeline);
        await untilIdle(pipeline);
        const block = readBlock(utf8(JSON.stringify(await archived(pipeline, blockNumber))));
        const index = block.transactions.findIndex(
          ({ data }) => "assetId" in data && data.assetId === assetId,
        );
        const { id: txId, timestamp } = block.transactions[index] ?? {};
        entries.push({
          sha256: documentHash,
          blockNumber,
          index,
          txId,
          blockHash: block.hash,
          assetId,
          timestamp,
        });
      }
    });
    const byHash = (query: string) => read<Found>(pipeline, `/api/vdc/documents/by-hash${query}`);

    it("list every transaction that commits to a document, the oldest first", async () => {
      const found = await byHash(`/${sha256}`);
      expect(found).toMatchObject({ documents: entries.slice(0, 2), next: null });
      const none = await byHash(`/${"f".repeat(64)}`);
      expect(none).toMatchObject({ documents: [], next: null });
    });

    it("list by a prefix every document below it, so that the asked one is not told", async () => {
      const { documents } = await byHash(`?prefix=${sha256.slice(0, 4)}`);
      const below = entries.slice(0, 3).toSorted((a, b) => (String(a.sha256) < String(b.sha256) ? -1 : 1));
      expect(documents).toEqual(below);
      for (const prefix of ["", "abc", "ABCD", "xyz0", "0".repeat(65)])
        await expectProblem(
          await pipeline.fetch(`/api/vdc/documents/by-hash?prefix=${prefix}`),
          "invalid-parameter",
          prefix,
        );
      await expectProblem(await pipeline.fetch("/api/vdc/documents/by-hash"), "invalid-parameter");
    });

    it("come in pages of bounded size, each entry once [T7]", async () => {
      const seen: Json[] = [];
      let next: string | null = null;
      do {
        const after: string = next === null ? "" : `&after=${encodeURIComponent(next)}`;
        const page: Found = await byHash(`/${sha256}?limit=1${after}`);
        expect(page.documents.length).toBeLessThanOrEqual(1);
        seen.push(...page.documents);
        next = page.next;
      } while (next !== null);
      expect(seen).toEqual(entries.slice(0, 2));
      for (const limit of ["0", "1001"])
        await expectProblem(
          await pipeline.fetch(`/api/vdc/documents/by-hash/${sha256}?limit=${limit}`),
          "invalid-parameter",
        );
    });

    it("ignore foreign keys, and are unavailable rather than incomplete where an entry is damaged", async () => {
      const key = kvKeys.documentEntry(sha256, Number(entries[0]?.blockNumber), Number(entries[0]?.index));
      const path = `/api/vdc/documents/by-hash/${sha256}`;
      await pipeline.kv.put(`vdc:doc:${sha256}:x`, "foreign");
      expect((await byHash(`/${sha256}`)).documents).toEqual(entries.slice(0, 2));
      await pipeline.kv.put(key, "damaged");
      await expectProblem(await pipeline.fetch(path), "unavailable");
      await pipeline.kv.delete(`vdc:doc:${sha256}:x`);

      const verified = await pipeline.operate("/api/storage-verify/verify-all", { method: "POST" });
      expect(await verified.json()).toMatchObject({ failed: 0, partial: 0 });
      expect((await byHash(`/${sha256}`)).documents).toEqual(entries.slice(0, 2));
      await pipeline.kv.delete(key);
      await pipeline.operate("/api/storage-verify/verify-all", { method: "POST" });
      expect((await byHash(`/${sha256}`)).documents).toEqual(entries.slice(0, 2));
    });
  });

  describe("of a block whose copies are lost", () => {
    const n = 1;
    const path = `/api/vdc/blocks/${n}`;
    let kept: { kv: string; r2: ArrayBuffer; cid: string };
    beforeAll(async () => {
      const kv = (await pipeline.kv.get(kvKeys.block(n))) ?? "";
      const r2 = await (await pipeline.r2.get(r2Keys.block(n)))?.arrayBuffer();
      if (r2 === undefined) throw new Error("R2 has no block 1");
      kept = { kv, r2, cid: (JSON.parse(kv) as { ipfsHash: string }).ipfsHash };
    });
    /** Sets KV's and R2's copies of the block; undefined deletes a copy. */
    async function copies(kv: string | undefined, r2: ArrayBuffer | Uint8Array | undefined): Promise<void> {
      pipeline.pinning.clearFaults();
      await (kv === undefined ? pipeline.kv.delete(kvKeys.block(n)) : pipeline.kv.put(kvKeys.block(n), kv));
      await (r2 === undefined
        ? pipeline.r2.delete(r2Keys.block(n))
        : pipeline.r2.put(r2Keys.block(n), r2 as ArrayBuffer));
    }
    afterAll(() => copies(kept.kv, kept.r2));

    async function expectServedFrom(tier: string): Promise<void> {
      const response = await pipeline.fetch(path);
      const record: Json = await response.json();
      expect(response.status, JSON.stringify(record)).toBe(200);
      expect(response.headers.get("x-vdc-tier")).toBe(tier);
      const whole = JSON.parse(kept.kv) as { storage: object };
      expect(record).toEqual({ ...whole, storage: { ...whole.storage, storedAt: expect.any(Number) } });
      expect(response.headers.get("etag")).toBe(`"${String(record.hash)}"`);
      expect(response.headers.get("cache-control")).toBe(IMMUTABLE);
    }

    it("come from R2 when KV has none", async () => {
      await copies(undefined, kept.r2);
      await expectServedFrom("r2");
    });

    it("come from R2 when what KV holds is no block, or another [T49 T50 T59]", async () => {
      const other = (await pipeline.kv.get(kvKeys.block(2))) ?? "";
      // The first is still a block of this number and hash, but its contents do not match the hash.
      const forged = kept.kv.replace(
        /"privateCommitment":"(.)/,
        (_, digit) => `"privateCommitment":"${digit === "0" ? 1 : 0}`,
      );
      expect(forged).not.toBe(kept.kv);
      for (const rubbish of [forged, "", "not JSON", "null", "[]", "{}", other]) {
        await copies(rubbish, kept.r2);
        await expectServedFrom("r2");
      }
    });

    it("come from IPFS when R2 has none either", async () => {
      await copies(undefined, undefined);
      await expectServedFrom("ipfs");
    });

    it("come from IPFS when R2 holds other bytes [T49 T58]", async () => {
      const other = await (await pipeline.r2.get(r2Keys.block(2)))?.arrayBuffer();
      const text = new TextDecoder().decode(kept.r2);
      // The result still looks like a block, and claims the hash of the true one.
      const tampered = text.replace(/"privateCommitment":"./, '"privateCommitment":"');
      const digit = text.includes('"privateCommitment":"0') ? "1" : "0";
      const forged = tampered.replace('"privateCommitment":"', `"privateCommitment":"${digit}`);
      expect(readBlock(utf8(forged)).hash).toBe(readBlock(new Uint8Array(kept.r2)).hash);
      for (const bytes of [new Uint8Array(), utf8("{}"), utf8(tampered), utf8(forged), other]) {
        await copies(undefined, bytes);
        await expectServedFrom("ipfs");
      }
    });

    it("are refused when the IPFS gateway serves other bytes: never shown, and not a 404 [T19]", async () => {
      await copies(undefined, undefined);
      pipeline.pinning.setFault({ kind: "gateway_altered", cid: kept.cid });
      await expectProblem(await pipeline.fetch(path), "unavailable");
    });

    it("are unavailable for now, and not unknown, when no tier answers", async () => {
      await copies(undefined, undefined);
      pipeline.pinning.setFault({ kind: "gateway_missing", cid: kept.cid });
      await expectProblem(await pipeline.fetch(path), "unavailable");
      const { transactions } = JSON.parse(kept.kv) as { transactions: [{ id: string }] };
      const bytesPath = `/api/vdc/transactions/${transactions[0].id}/bytes`;
      await expectProblem(await pipeline.fetch(bytesPath), "unavailable");
      pipeline.pinning.clearFaults();
      pipeline.pinning.setFault({ kind: "fail", status: 502, html: true, on: "gateway" });
      await expectProblem(await pipeline.fetch(path), "unavailable");
    });

    it("are as they were when the copies are back", async () => {
      await copies(kept.kv, kept.r2);
      await expectServedFrom("kv");
      expect(readBlock(new Uint8Array(kept.r2)).blockNumber).toBe(n);
      await checkChain(pipeline);
    });
  });
});

describe("bad input", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
    await submit(pipeline, purchase({ assetId: "deed-1" }));
    await mine(pipeline);
  });
  afterAll(() => pipeline.close());

  const NOT_PLAIN = [
    "-1",
    "+1",
    "-0",
    "1e3",
    "01",
    "00",
    "0x1",
    "1.0",
    "1_0",
    "%201",
    "1%20",
    "NaN",
    "Infinity",
  ];
  const TOO_LARGE = ["9007199254740992", "9007199254740993", "10000000000000000", "9".repeat(400)];
  const NOT_TEXT = ["%ff", "%E0%A4%A", "%", "%2", "%zz", "%00", "1%00", "%0a", "%F0%9F%92%A9"];
  const NOT_ASCII = ["١", "１", "ﬀ", "\u202e1", "🙂"];
  const NOT_IDS = ["[]", "{}", "'", '"', "%22", "<script>", "..%2f..%2fprivate", "1%2F2"];
  const NAMES = ["null", "undefined", "true", "__proto__", "constructor", "toString", "x".repeat(8_000)];
  const RUBBISH = [...NOT_PLAIN, ...TOO_LARGE, ...NOT_TEXT, ...NOT_ASCII, ...NOT_IDS, ...NAMES];

  it.each(["blocks", "transactions", "assets"])(
    "in a %s id is a 400 or 404 problem, never a 500",
    async (noun) => {
      // Ids of this form could be an asset's.
      const wellFormed = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
      for (const id of RUBBISH) {
        const slug = noun === "assets" && wellFormed.test(id) ? "not-found" : "invalid-parameter";
        const problem = await expectProblem(await pipeline.fetch(`/api/vdc/${noun}/${id}`), slug, id);
        if (slug === "invalid-parameter") expect(problem.detail.length, id).toBeLessThan(300);
      }
    },
  );

  it("is told from an unknown id when it stands in a transaction's id", async () => {
    for (const id of [
      TX_ID.toUpperCase(),
      TX_ID.slice(0, -1),
      `${TX_ID}0`,
      TX_ID.replace("0", "g"),
      ` ${TX_ID}`,
    ])
      await expectProblem(await pipeline.fetch(`/api/vdc/transactions/${id}`), "invalid-parameter", id);
    await expectProblem(await pipeline.fetch(`/api/vdc/transactions/${TX_ID}`), "not-found");
  });

  it("is a 404 when it is a number that no block has yet", async () => {
    for (const n of ["2", "4294967296", "9007199254740991"]) {
      const problem = await expectProblem(await pipeline.fetch(`/api/vdc/blocks/${n}`), "not-found", n);
      expect(problem).toMatchObject({ latest: 1, state: null });
    }
  });

  const READS = [
    "/api/vdc/latest",
    "/api/vdc/blocks",
    "/api/vdc/blocks/0",
    `/api/vdc/transactions/${TX_ID}`,
    "/api/vdc/assets/deed-1",
    "/.well-known/vdc.json",
    "/api/health",
    "/api/ready",
    "/",
    "/openapi.json",
  ];

  it.each(READS)("is none in HEAD %s, which answers as GET does but without a body", async (path) => {
    const [head, get] = [await pipeline.fetch(path, { method: "HEAD" }), await pipeline.fetch(path)];
    expect(head.status).toBe(get.status);
    expect(await head.text()).toBe("");
    for (const name of ["content-type", "cache-control", "etag", "access-control-allow-origin", "x-vdc-tier"])
      expect(head.headers.get(name), name).toBe(get.headers.get(name));
    expectHeaders(head);
    await get.body?.cancel();
  });

  it("is replaced when it is a request id, and a harmless one is kept", async () => {
    const idOf = async (given: string) => {
      const response = await pipeline.fetch("/api/health", { headers: { "x-request-id": given } });
      return response.headers.get("x-request-id");
    };
    for (const good of ["12345678", "req-2026-ABC-def", "a".repeat(64)]) expect(await idOf(good)).toBe(good);
    const replaced = new Set<string | null>();
    const BAD = [
      "1234567",
      "a".repeat(65),
      "has space",
      "a@example.com",
      "<script>",
      'x","level":"a',
      "é".repeat(9),
    ];
    for (const bad of BAD) {
      const id = await idOf(bad);
      expect(id, bad).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      replaced.add(id);
    }
    expect(replaced.size).toBe(BAD.length);
    const problem = await pipeline.fetch("/nowhere", { headers: { "x-request-id": "req-not-found" } });
    expect((await expectProblem(problem, "not-found")).requestId).toBe("req-not-found");
  });

  it("is not needed to learn what there is", async () => {
    const { calls } = await read<{ calls: string[] }>(pipeline, "/");
    expect(calls).toEqual(expect.arrayContaining(["GET /api/vdc/latest", "POST /api/stripe/webhook"]));
  });

  it("was answered with a 500 in no case", () => {
    const failed = pipeline.harness.getLogs().filter(({ message }) => message.includes("request.failed"));
    expect(failed).toEqual([]);
  });
});
