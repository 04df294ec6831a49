import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CarReader } from "@ipld/car";
import { PinataSDK } from "pinata";
import type { UploadResponse } from "pinata";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Fault } from "../../../../cli/local/pinning/faults.ts";
import { startPinningService } from "../../../../cli/local/pinning/server.ts";
import type { PinningService } from "../../../../cli/local/pinning/server.ts";
import { UNLESS_IT_HANGS } from "../../../support/stack/patience.ts";

const JWT = "local-test-token";
const HELLO = Uint8Array.from(Buffer.from("hello world"));
const HELLO_V0 = "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD";
const HELLO_V1 = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
/** IPIP-499: the smallest file of two chunks, from the ChaCha20 keystream of its seed. */
const TWO_CHUNKS = keystream("chunk-v0-seed", 262_145);
const TWO_CHUNKS_V0 = "QmYyLxtzZyW22zpoVAtKANLRHpDjZtNeDjQdJrcQNWoRkJ";

let dir: string;
let service: PinningService;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "vdc-pinning-"));
  service = await startPinningService({ dir, jwt: JWT });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await service.close();
  await rm(dir, { recursive: true });
});

describe("the Pinata API, through the SDK", () => {
  it.each([
    ["hello world", HELLO, HELLO_V0],
    ["an empty file", new Uint8Array(), "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"],
    ["one full chunk", TWO_CHUNKS.subarray(0, 262_144), "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE"],
    ["two chunks", TWO_CHUNKS, TWO_CHUNKS_V0],
  ])("gives %s its published CIDv0", async (_name, bytes, cid) => {
    expect(await upload(bytes)).toMatchObject({
      cid,
      size: bytes.length,
      name: "block.json",
      group_id: null,
    });
  });

  it("makes a CIDv1 with raw leaves when no version is asked for", async () => {
    const pinned = await sdk().upload.public.file(new File([HELLO], "a.txt"));
    expect(pinned.cid).toBe(HELLO_V1);
    expect(await text(`/ipfs/${HELLO_V1}?format=raw`)).toBe("hello world");
  });

  it("answers the record it has when the same bytes come again, even at the same time", async () => {
    const [first, ...again] = await Promise.all([upload(HELLO), upload(HELLO), upload(HELLO)]);
    expect(again.map(({ id }) => id)).toEqual([first.id, first.id]);
    expect([first, ...again].filter((pinned) => "is_duplicate" in pinned)).toHaveLength(2);
    expect(await upload(HELLO)).toMatchObject({
      id: first.id,
      created_at: first.created_at,
      is_duplicate: true,
    });
    expect((await sdk().files.public.list()).files).toHaveLength(1);
  });

  it("lists by the exact CID, and by name and key values", async () => {
    const file = new File([HELLO], "7.json", { type: "application/json" });
    const pinned = await sdk().upload.public.file(file).keyvalues({ block: "7" }).cidVersion("v0");
    await upload(TWO_CHUNKS);
    const { files } = sdk();
    expect((await files.public.list().cid(HELLO_V0).limit(1)).files).toMatchObject([
      { id: pinned.id, cid: HELLO_V0, mime_type: "application/json", keyvalues: { block: "7" } },
    ]);
    expect((await files.public.list().cid(HELLO_V1)).files).toEqual([]);
    expect((await files.public.list().name("7.json")).files).toHaveLength(1);
    expect((await files.public.list().keyvalues({ block: "7" })).files).toHaveLength(1);
    expect((await files.public.list().keyvalues({ block: "8" })).files).toEqual([]);
    expect(await files.public.get(pinned.id)).toMatchObject({ cid: HELLO_V0 });
  });

  it.each(["ASC", "DESC"] as const)(
    "lists page after page, every file once and in order, %s",
    async (order) => {
      vi.spyOn(Date, "now").mockReturnValue(1_800_000_000_000); // all in one millisecond
      const uploaded: string[] = [];
      for (let n = 0; n < 5; n++) uploaded.push((await upload(Uint8Array.of(n))).cid);
      const listed = await sdk().files.public.list().order(order).limit(2).all();
      expect(listed.map(({ cid }) => cid)).toEqual(order === "ASC" ? uploaded : uploaded.toReversed());
    },
  );

  it("forgets a deleted file, and takes it again as new", async () => {
    const { id } = await upload(HELLO);
    expect(await sdk().files.public.delete([id])).toEqual([{ id, status: "OK" }]);
    expect(await listed(HELLO_V0)).toBe(false);
    expect((await gateway(HELLO_V0)).status).toBe(404);
    expect(await upload(HELLO)).not.toHaveProperty("is_duplicate");
    expect((await gateway(HELLO_V0)).status).toBe(200);
  });

  it("does not find what it never had", async () => {
    await expect(sdk().files.public.get("unknown")).rejects.toMatchObject({ statusCode: 404 });
    expect(await sdk().files.public.delete(["unknown"])).toEqual([{ id: "unknown", status: "HTTP error" }]);
  });

  it("takes a request to pin by CID, which without a network finds nothing", async () => {
    const request = await sdk().upload.public.cid(HELLO_V0).name("later");
    expect(request).toMatchObject({ cid: HELLO_V0, name: "later", status: "prechecking" });
    expect(await listed(HELLO_V0)).toBe(false);
  });

  it("knows its token and refuses every other", async () => {
    expect(await sdk().testAuthentication()).toHaveProperty("message");
    const stranger = sdk("another");
    await expect(stranger.testAuthentication()).rejects.toMatchObject({ statusCode: 401 });
    await expect(stranger.files.public.list()).rejects.toMatchObject({ statusCode: 401 });
    await expect(upload(HELLO, stranger)).rejects.toMatchObject({ statusCode: 401 });
    expect(await listed(HELLO_V0)).toBe(false);
  });

  it.each([
    ["no file", {}, 400],
    ["a version that does not exist", { file: "x", cid_version: "v9" }, 400],
    ["key values that are not JSON", { file: "x", keyvalues: "{" }, 400],
    ["the private network", { file: "x", network: "private" }, 400],
    ["a CAR", { file: "x", car: "true" }, 400],
  ])("refuses an upload with %s", async (_name, fields, status) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields))
      body.append(name, name === "file" ? new File([value], "x") : value);
    const headers = { authorization: `Bearer ${JWT}` };
    expect((await fetch(`${service.uploadUrl}/files`, { method: "POST", headers, body })).status).toBe(
      status,
    );
    expect((await sdk().files.public.list()).files).toEqual([]);
  });
});

describe("the gateway", () => {
  it("serves the exact bytes, cacheable for ever", async () => {
    await upload(TWO_CHUNKS);
    const response = await gateway(TWO_CHUNKS_V0);
    expect(await bytesOf(response)).toEqual(TWO_CHUNKS);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toContain("immutable");
    expect(response.headers.get("etag")).toBe(`"${TWO_CHUNKS_V0}"`);
  });

  it("answers HEAD with the length only, and 304 to whoever has the file", async () => {
    await upload(HELLO);
    const head = await gateway(HELLO_V0, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "11", ""]);
    const headers = { "if-none-match": `"${HELLO_V0}"` };
    expect((await gateway(HELLO_V0, { headers })).status).toBe(304);
  });

  it.each([
    ["one chunk", HELLO, HELLO_V0, 1],
    ["two chunks", TWO_CHUNKS, TWO_CHUNKS_V0, 3],
  ])(
    "serves a file of %s as a CAR whose blocks have their CIDs' hashes",
    async (_name, bytes, cid, count) => {
      await upload(bytes);
      const response = await gateway(`${cid}?format=car`);
      expect(response.headers.get("content-type")).toBe("application/vnd.ipld.car; version=1");
      const reader = await CarReader.fromBytes(await bytesOf(response));
      expect((await reader.getRoots()).map(String)).toEqual([cid]);
      const blocks = await Array.fromAsync(reader.blocks());
      expect(blocks).toHaveLength(count);
      expect(blocks[0]?.cid.toString()).toBe(cid);
      for (const block of blocks) expect(sha256(block.bytes)).toBe(hex(block.cid.multihash.digest));

      const raw = await gateway(cid, { headers: { accept: "application/vnd.ipld.raw" } });
      expect(raw.headers.get("content-type")).toBe("application/vnd.ipld.raw");
      expect(await bytesOf(raw)).toEqual(blocks[0]?.bytes);
    },
  );

  it("does not know what was not pinned, nor formats it does not have", async () => {
    expect((await gateway("QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o")).status).toBe(404);
    expect((await gateway(encodeURIComponent("../pins"))).status).toBe(404);
    expect((await fetch(`${service.url}/elsewhere`)).status).toBe(404);
    await upload(HELLO);
    expect((await gateway(`${HELLO_V0}?format=tar`)).status).toBe(400);
  });
});

describe("the store", () => {
  it("keeps what it has over a restart", async () => {
    const pinned = await upload(HELLO);
    await restart();
    expect(await upload(HELLO)).toMatchObject({ id: pinned.id, is_duplicate: true });
    expect(await text(`/ipfs/${HELLO_V0}`)).toBe("hello world");
  });

  it("loses nothing that it answered 200 when it is killed", async () => {
    await service.close();
    const child = run(`
      const service = await startPinningService({ dir: ${JSON.stringify(dir)}, jwt: "${JWT}" });
      console.log(service.url);
      process.stdin.resume();`);
    const [url] = (await once(child.stdout!, "data")) as [Buffer];
    const cids: string[] = [];
    for (let n = 0; n < 20; n++)
      cids.push((await upload(Uint8Array.of(n), sdk(JWT, url.toString().trim()))).cid);
    child.kill("SIGKILL");
    await once(child, "exit");

    service = await startPinningService({ dir, jwt: JWT });
    expect((await sdk().files.public.list().order("ASC").limit(100)).files.map(({ cid }) => cid)).toEqual(
      cids,
    );
    for (const [n, cid] of cids.entries())
      expect(await bytesOf(await gateway(cid))).toEqual(Uint8Array.of(n));
  });

  it("does not find a file that somebody took from the disk, and mends a damaged one when it comes again", async () => {
    await upload(HELLO);
    await rm(join(dir, "files", HELLO_V0));
    expect((await gateway(HELLO_V0)).status).toBe(404);
    await writeFile(join(dir, "files", HELLO_V0), "hello w0rld");
    await upload(HELLO);
    expect(await text(`/ipfs/${HELLO_V0}`)).toBe("hello world");
  });

  it("neither serves nor lists what a crash left between the bytes and their record", async () => {
    await writeFile(join(dir, "files", HELLO_V0), "hello wor");
    await writeFile(join(dir, "temporary", "half"), "{");
    await restart();
    expect((await gateway(HELLO_V0)).status).toBe(404);
    expect(await listed(HELLO_V0)).toBe(false);
    await upload(HELLO);
    expect(await text(`/ipfs/${HELLO_V0}`)).toBe("hello world");
  });
});

describe("faults", () => {
  it("fail: answers the status asked for and stores nothing, as often as told", async () => {
    service.setFault({ kind: "fail", status: 500, times: 2 });
    await expect(upload(HELLO)).rejects.toMatchObject({ statusCode: 500 });
    await expect(upload(HELLO)).rejects.toMatchObject({ statusCode: 500 });
    expect(await listed(HELLO_V0)).toBe(false);
    expect(await upload(HELLO)).not.toHaveProperty("is_duplicate");
  });

  it("hits only what it is set on", async () => {
    await upload(HELLO);
    service.setFault({ kind: "fail", status: 503, on: "gateway" });
    expect(await listed(HELLO_V0)).toBe(true);
    expect((await gateway(HELLO_V0)).status).toBe(503);
    service.setFault({ kind: "fail", status: 504, on: "list" });
    await expect(listed(HELLO_V0)).rejects.toMatchObject({ statusCode: 504 });
  });

  it("stall: keeps the request, and serves it late when cleared", async () => {
    service.setFault({ kind: "stall", on: "upload" });
    const late = upload(HELLO);
    await expect.poll(() => service.stats().stalled, UNLESS_IT_HANGS).toBe(1);
    expect(await listed(HELLO_V0)).toBe(false);
    service.clearFaults();
    expect(await late).toMatchObject({ cid: HELLO_V0 });
    expect(service.stats().stalled).toBe(0);
  });

  it("stall: stores an upload late whose sender has given up", async () => {
    service.setFault({ kind: "stall", on: "upload" });
    const body = new FormData();
    body.append("file", new File([HELLO], "x"));
    body.append("cid_version", "v0");
    const giveUp = new AbortController();
    const given = fetch(`${service.uploadUrl}/files`, {
      method: "POST",
      headers: { authorization: `Bearer ${JWT}` },
      body,
      signal: giveUp.signal,
    });
    await expect.poll(() => service.stats().stalled, UNLESS_IT_HANGS).toBe(1);
    giveUp.abort();
    await expect(given).rejects.toThrow("aborted");
    service.clearFaults();
    await expect.poll(() => listed(HELLO_V0), UNLESS_IT_HANGS).toBe(true);
  });

  it("stall: does not keep the service from closing, and nothing is stored afterwards", async () => {
    service.setFault({ kind: "stall" });
    const cutOff = upload(HELLO).catch((error: unknown) => error);
    await expect.poll(() => service.stats().stalled, UNLESS_IT_HANGS).toBe(1);
    await restart();
    expect(await cutOff).toMatchObject({ name: "PinataError", statusCode: undefined });
    expect(await listed(HELLO_V0)).toBe(false);
  });

  it("hits with the fault that was set first, then with the next", async () => {
    service.setFault({ kind: "fail", status: 500, times: 1 });
    service.setFault({ kind: "fail", status: 503, times: 1 });
    const statuses = [await gateway(HELLO_V0), await gateway(HELLO_V0), await gateway(HELLO_V0)].map(
      (r) => r.status,
    );
    expect(statuses).toEqual([500, 503, 404]);
  });

  it("can be set, read and cleared over HTTP, with the requests seen so far", async () => {
    const fault: Fault = { kind: "fail", status: 500, on: "upload", times: 3 };
    expect((await control("POST", fault)).status).toBe(200);
    await expect(upload(HELLO)).rejects.toMatchObject({ statusCode: 500 });
    const report = await (await control("GET")).json();
    expect(report).toEqual({
      faults: [{ ...fault, times: 2 }],
      requests: { upload: 1, list: 0, get: 0, delete: 0, pin_by_cid: 0, auth: 0, gateway: 0 },
      stalled: 0,
    });
    expect(service.stats()).toEqual(report);
    expect(await (await control("DELETE")).json()).toMatchObject({ faults: [], requests: { upload: 1 } });
    expect(await upload(HELLO)).toMatchObject({ cid: HELLO_V0 });
  });

  it("refuses faults it does not know, and faults from web pages", async () => {
    expect((await control("POST", { kind: "earthquake" })).status).toBe(400);
    expect((await control("POST", { kind: "fail", status: 700 })).status).toBe(400);
    expect((await control("POST", { kind: "lost", on: "gateway" })).status).toBe(400);
    const plain = await fetch(`${service.url}/__faults`, { method: "POST", body: '{"kind":"lost"}' });
    expect(plain.status).toBe(415);
    expect(service.stats().faults).toEqual([]);
  });
});

describe("closing", () => {
  it("leaves nothing that keeps the process running", async () => {
    const child = run(`
      const service = await startPinningService({ dir: ${JSON.stringify(dir)}, jwt: "${JWT}" });
      service.setFault({ kind: "stall", on: "gateway" });
      const stalled = fetch(service.url + "/ipfs/x").catch(() => "cut off");
      while (service.stats().stalled === 0) await new Promise(setImmediate);
      await service.close();
      await service.close();
      console.log(await stalled);`);
    child.stdin?.end();
    const [output] = (await once(child.stdout!, "data")) as [Buffer];
    expect(output.toString()).toBe("cut off\n");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("reports a port that is taken", async () => {
    const port = Number(new URL(service.url).port);
    await expect(startPinningService({ dir, port, jwt: JWT })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

function sdk(pinataJwt = JWT, url = service.url): PinataSDK {
  return new PinataSDK({ pinataJwt, uploadUrl: `${url}/v3`, endpointUrl: `${url}/v3`, pinataGateway: url });
}

/** Uploads once. The SDK's builder would upload again at every await. */
async function upload(bytes: Uint8Array<ArrayBuffer>, through = sdk()): Promise<UploadResponse> {
  const file = new File([bytes], "block.json", { type: "application/json" });
  return through.upload.public.file(file).cidVersion("v0");
}

async function listed(cid: string): Promise<boolean> {
  return (await sdk().files.public.list().cid(cid).limit(1)).files.length === 1;
}

function gateway(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`${service.gatewayUrl}/ipfs/${path}`, init);
}

function control(method: string, fault?: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(`${service.url}/__faults`, { method, headers, ...(fault && { body: JSON.stringify(fault) }) });
}

async function text(path: string): Promise<string> {
  return (await fetch(service.url + path)).text();
}

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await response.arrayBuffer());
}

async function restart(): Promise<void> {
  await service.close();
  service = await startPinningService({ dir, jwt: JWT });
}

/** Runs a script with `startPinningService` in a process of its own. */
function run(script: string): ChildProcess {
  const server = new URL("../../../../cli/local/pinning/server.ts", import.meta.url).href;
  const source = `import { startPinningService } from ${JSON.stringify(server)};${script}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["pipe", "pipe", "inherit"],
  });
}

function keystream(seed: string, length: number): Uint8Array<ArrayBuffer> {
  const key = createHash("sha256").update(seed).digest();
  return new Uint8Array(createCipheriv("chacha20", key, Buffer.alloc(16)).update(Buffer.alloc(length)));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
