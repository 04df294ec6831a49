import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Fault } from "../../cli/local/pinning/faults.ts";
import { WORKER_NAMES } from "../../cli/local/stack/workers.ts";
import { MAX_RECORD_BYTES, signedDocumentBytes, type StoredDocument } from "../../shared/chain/document.ts";
import { SEALED_NAMES } from "../../shared/chain/sealed-names.ts";
import { openDocument, sealDocument } from "../../shared/client/documents.ts";
import {
  generateUserKeys,
  importUserKeys,
  type UserKeys,
  type UserKeysJson,
} from "../../shared/client/user-keys.ts";
import { base64url, equalBytes, fromBase64url, fromUtf8, hex, utf8 } from "../../shared/crypto/bytes.ts";
import { canonicalBytes } from "../../shared/crypto/canonical.ts";
import { cidV0 } from "../../shared/crypto/cid.ts";
import { DOCUMENT } from "../../shared/crypto/contexts.ts";
import { importEncryptionPublicKey, nobleBackend, type Envelope } from "../../shared/crypto/envelope.ts";
import { sha256HexOfFile } from "../../shared/crypto/hash.ts";
import { workerName } from "../../shared/pipeline.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import {
  CHAIN_ID,
  newUser,
  postDocument,
  register,
  registeredUser,
  storePinned,
  untilPinned,
} from "../support/users/accounts.ts";
import { kvKeysOf, logged, objectsOf, pinnedFiles } from "../support/chain/chain-state.ts";
import { until } from "../support/stack/patience.ts";
import { startPipeline, type Pipeline } from "../support/stack/pipeline.ts";
import { expectProblem } from "../support/assertions/problems.ts";

let pipeline: Pipeline;
let keys: UserKeysJson;
let user: UserKeys;
beforeAll(async () => {
  // A large document takes longer than usual while other tests run.
  pipeline = await startPipeline({ vars: { PIN_DEADLINE_SECONDS: "10" } });
  keys = generateUserKeys();
  user = await importUserKeys(keys);
  await register(pipeline, user);
});
afterEach(() => pipeline.pinning.clearFaults());
afterAll(() => pipeline.close());

const pinnedAs = async (documentId: string) =>
  (await pinnedFiles(pipeline)).filter(({ name }) => name.includes(documentId));

async function expectInBoth(id: string, record: Uint8Array<ArrayBuffer>): Promise<void> {
  const cid = await cidV0(record);
  expect(await pinnedAs(id)).toMatchObject([{ cid }]);
  const kept = await pipeline.r2.get(r2Keys.document(id));
  if (kept === null) throw new Error("R2 does not have the document");
  const pinned = await fetch(`${pipeline.pinning.gatewayUrl}/ipfs/${cid}`);
  for (const bytes of [await kept.arrayBuffer(), await pinned.arrayBuffer()])
    expect(equalBytes(new Uint8Array(bytes), record)).toBe(true);
}

async function expectInNeither(id: string): Promise<void> {
  expect(await pinnedAs(id)).toEqual([]);
  expect(await pipeline.r2.head(r2Keys.document(id))).toBeNull();
  expect((await pipeline.fetch(`/api/documents/${id}`)).status).toBe(404);
}

describe("a document", () => {
  it("of a megabyte comes back to its owner through R2, and is on IPFS", async () => {
    const document = randomBytes(1_000_000);
    const { id, bytes } = await sealDocument(CHAIN_ID, document, user);
    const answer = await postDocument(pipeline, bytes);
    const stored: StoredDocument = {
      id,
      documentCid: await cidV0(bytes),
      bytes: bytes.length,
      owner: user.userId,
      documentUrl: `/api/documents/${id}`,
      state: "stored",
    };
    expect([answer.status, await answer.json<StoredDocument>()]).toEqual([202, stored]);
    const shown = await pipeline.fetch(`/api/documents/${id}`);
    const record = new Uint8Array(await shown.arrayBuffer());
    expect(equalBytes(await openDocument(CHAIN_ID, record, user, id), document)).toBe(true);
    await untilPinned(pipeline, id);
    await expectInBoth(id, bytes);
    const again = await postDocument(pipeline, bytes);
    expect([again.status, await again.json()]).toEqual([200, { ...stored, state: "pinned" }]);
  });

  it("sent again with another signature is answered as the first record, which stays", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("my will"), user);
    const first = await storePinned(pipeline, bytes);
    expect(await (await postDocument(pipeline, await signedAgain(bytes))).json()).toEqual(first);
    await expectInBoth(id, bytes);
  });

  it("sent many times at once, with two signatures, is stored once and pinned once", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("at once"), user);
    const other = await signedAgain(bytes);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => postDocument(pipeline, i % 2 === 0 ? bytes : other)),
    );
    const cids = new Set<string>();
    for (const answer of answers) {
      expect([200, 202]).toContain(answer.status);
      cids.add((await answer.json<StoredDocument>()).documentCid);
    }
    expect(cids.size).toBe(1);
    await untilPinned(pipeline, id);
    await expectInBoth(id, cids.has(await cidV0(bytes)) ? bytes : other);
  });

  it("is shown as it is stored, to any web page, for ever", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("for ever"), user);
    await postDocument(pipeline, bytes);
    const path = `/api/documents/${id}`;
    const shown = await pipeline.fetch(path);
    expect(new Uint8Array(await shown.arrayBuffer())).toEqual(bytes);
    expect(Object.fromEntries(shown.headers)).toMatchObject({
      etag: `"${id}"`,
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "application/json",
      "access-control-allow-origin": "*",
    });
    const headers = { "if-none-match": `W/"${id}"` };
    expect((await pipeline.fetch(path, { headers })).status).toBe(304);
    const head = await pipeline.fetch(path, { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, `"${id}"`, ""]);
    const nobodys = `/api/documents/${"0".repeat(64)}`;
    expect((await pipeline.fetch(nobodys, { headers: { "if-none-match": "*" } })).status).toBe(404);
  });
});

describe("nothing is stored", () => {
  it("of a user who is not registered", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("a stranger's"), await newUser());
    await expectProblem(await postDocument(pipeline, bytes), "not-registered");
    await expectInNeither(id);
  });

  it("that is encrypted to another key than its owner registered", async () => {
    const stranger = await newUser();
    const key = await importEncryptionPublicKey(fromBase64url(stranger.encryptionKey.publicKey));
    const { id, record } = await signedRecord(await key.seal(SEALED_NAMES.document(user.userId), utf8("x")));
    await expectProblem(await postDocument(pipeline, record), "not-registered");
    await expectInNeither(id);
  });

  it("that another user's key has signed [T16]", async () => {
    const other = await registeredUser(pipeline);
    const envelope = await user.seal(SEALED_NAMES.document(user.userId), utf8("x"));
    const { id, record } = await signedRecord(envelope, other);
    await expectProblem(await postDocument(pipeline, record), "invalid-body");
    await expectInNeither(id);
  });

  it("that its owner signed for another chain", async () => {
    const { bytes } = await sealDocument("vdc-other", utf8("of another chain"), user);
    await expectProblem(await postDocument(pipeline, bytes), "invalid-user-signature");
  });

  it("that was changed after it was signed", async () => {
    const { bytes } = await sealDocument(CHAIN_ID, utf8("a document of some length"), user);
    const before = (await pinnedFiles(pipeline)).length;
    for (let i = 3; i < bytes.length; i += 97) {
      const changed = bytes.slice();
      changed[i] = (changed[i] ?? 0) ^ 1;
      const answer = await postDocument(pipeline, changed);
      expect(answer.status, `byte ${i}: ${await answer.text()}`).toBe(400);
      const changedId = await sha256HexOfFile(changed);
      expect(await pipeline.r2.head(r2Keys.document(changedId))).toBeNull();
    }
    expect((await pinnedFiles(pipeline)).length).toBe(before);
  });

  it("beyond what its owner may store in a day; a document that is known does not count again [T7]", async () => {
    const known = await sealDocument(CHAIN_ID, utf8("known already"), user);
    await storePinned(pipeline, known.bytes);
    const objects = pipeline.harness.getWorker(workerName("accounts"));
    const sql = await objects.getDurableObjectStorage("UserMetadata", { name: user.userId });
    const used = async () => (await sql.exec<{ bytes: number }>("SELECT bytes FROM uploaded"))[0]?.bytes;
    const before = await used();
    expect((await postDocument(pipeline, known.bytes)).status).toBe(200);
    expect(await used()).toBe(before);

    const { id, bytes } = await sealDocument(CHAIN_ID, utf8("one document too many"), user);
    const quotaBytes = 200_000_000;
    await sql.exec("UPDATE uploaded SET bytes = ?", quotaBytes - bytes.length + 1);
    const refused = await postDocument(pipeline, bytes);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await expectProblem(refused, "quota-exceeded")).toMatchObject({
      quotaBytes,
      usedBytes: quotaBytes - bytes.length + 1,
      resetsAt: expect.any(Number),
    });
    await expectInNeither(id);
    await sql.exec("UPDATE uploaded SET bytes = ?", quotaBytes - bytes.length);
    expect((await postDocument(pipeline, bytes)).status).toBe(202);
    await sql.exec("UPDATE uploaded SET bytes = 0");
  });

  it("that is too large, whether or not it says so [T8]", async () => {
    const large = new Uint8Array(MAX_RECORD_BYTES + 1).fill(0x41);
    await expectProblem(await postDocument(pipeline, large), "body-too-large");
    const unannounced = new Blob([large]).stream();
    const answer = await pipeline.fetch("/api/documents", {
      method: "POST",
      body: unannounced,
      duplex: "half",
    } as RequestInit);
    await expectProblem(answer, "body-too-large");
  });

  it.each(["", "{}", "my will", '{"envelope":{"ct":"', "\u0000"])("that is no record: %j", async (body) => {
    await expectProblem(await postDocument(pipeline, body), "invalid-body");
  });
});

const FAULTS: [what: string, fault: Fault][] = [
  ["is down", { kind: "fail", status: 500, on: "all" }],
  ["answers 200 with a web page", { kind: "fail", status: 200, html: true, on: "api" }],
  ["does not answer in time", { kind: "stall", on: "upload" }],
  ["limits the rate", { kind: "rate_limit", retryAfterSeconds: 3, on: "upload" }],
  ["refuses the token", { kind: "unauthorized" }],
  ["answers with another file's CID", { kind: "wrong_cid" }],
  ["says it has what it threw away", { kind: "lost" }],
  ["stores it, and says that it failed", { kind: "stored_but_errored" }],
  ["has it, but its gateway does not", { kind: "gateway_missing" }],
  ["serves other bytes than those pinned", { kind: "gateway_altered" }],
];

describe("while the pinning service", () => {
  it.each(FAULTS)(
    "%s, a document is stored and shown; afterwards it is pinned by itself",
    async (_, fault) => {
      const { id, bytes } = await sealDocument(CHAIN_ID, utf8(`while it ${fault.kind}`), user);
      pipeline.pinning.setFault(fault);
      expect((await postDocument(pipeline, bytes)).status).toBe(202);
      await until(async () => expect(retriesOf(id)).not.toEqual([]));
      if (fault.kind === "rate_limit")
        expect(retriesOf(id)[0]?.delaySeconds).toBeGreaterThanOrEqual(fault.retryAfterSeconds);
      const shown = await pipeline.fetch(`/api/documents/${id}`);
      expect(new Uint8Array(await shown.arrayBuffer())).toEqual(bytes);
      const { state } = await (await pipeline.fetch(`/api/documents/${id}/status`)).json<{ state: string }>();
      expect(state).toBe("stored");
      pipeline.pinning.clearFaults();
      await untilPinned(pipeline, id);
      await expectInBoth(id, bytes);
    },
  );
});

/** Returns the log lines of failed attempts to pin a document. */
function retriesOf(documentId: string): Record<string, unknown>[] {
  return logged(pipeline, "message.retried").filter((line) => line.documentId === documentId);
}

const SECRET = "to Ada I leave the house by the sea";

describe("the server", () => {
  it("can't read a document: no secret that a Worker holds opens it, and it is nowhere in clear [T16 T22 T34 T46]", async () => {
    const { id, bytes } = await sealDocument(CHAIN_ID, utf8(SECRET), user);
    await storePinned(pipeline, bytes);
    const shown = await pipeline.fetch(`/api/documents/${id}`);
    const { envelope } = JSON.parse(await shown.text()) as { envelope: Envelope };

    expect(await opens(keys.encryptionSeed, envelope), "the owner's own key, to see that one could").toBe(
      true,
    );
    const seeds = await everySeedOfTheServer();
    expect(seeds.length).toBeGreaterThan(0);
    for (const seed of seeds) expect(await opens(seed, envelope)).toBe(false);
    expect(seeds).not.toContain(keys.encryptionSeed);

    const readable = await everythingReadable();
    const places = [...readable.keys()];
    for (const place of [`R2 ${r2Keys.document(id)}`, `IPFS ${await cidV0(bytes)}`])
      expect(places).toContain(place);
    for (const [place, text] of readable)
      for (const spelling of spellings(SECRET))
        expect(text.includes(spelling), `${spelling} in ${place}`).toBe(false);
    expect(logged(pipeline, "document.stored").length).toBeGreaterThan(0);
  });
});

/**
 * Opens an envelope like `shared/crypto/envelope.ts`, but without its check of the key id, so that a wrong key itself
 * must fail.
 */
async function opens(seed: string, { enc, ct, ...header }: Envelope): Promise<boolean> {
  const suite = nobleBackend();
  const key = await suite.DeserializePrivateKey(fromBase64url(seed), false);
  const options = { info: utf8("vdc/envelope/v1"), aad: canonicalBytes(header) };
  return suite.Open(key, fromBase64url(enc), fromBase64url(ct), options).then(
    (plaintext) => fromUtf8(plaintext) === SECRET,
    () => false,
  );
}

/** Returns every text in the Workers' configuration that has the form of an ML-KEM seed. */
async function everySeedOfTheServer(): Promise<string[]> {
  const texts = await Promise.all(
    WORKER_NAMES.map(async (worker) => {
      const env = await pipeline.harness.getWorker(workerName(worker)).getEnv();
      return Object.values(env as Record<string, unknown>).filter((value) => typeof value === "string");
    }),
  );
  const held = [...texts.flat(), ...Object.values(pipeline.secrets)].join(" ");
  expect(held).toContain(pipeline.secrets.SYSTEM_KEYRING);
  // A part of a certificate can be as long, and then is rarely base64url of whole bytes.
  const texts86 = new Set(held.match(/(?<![\w-])[\w-]{86}(?![\w-])/g));
  return [...texts86].filter((text) => Buffer.from(text, "base64url").toString("base64url") === text);
}

async function everythingReadable(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { key, customMetadata } of await objectsOf(pipeline.r2, "")) {
    const body = await pipeline.r2.get(key);
    if (body !== null && body.size < 1_000_000)
      found.set(
        `R2 ${key}`,
        JSON.stringify(customMetadata) + Buffer.from(await body.arrayBuffer()).toString(),
      );
  }
  for (const key of await kvKeysOf(pipeline.kv)) found.set(`KV ${key}`, (await pipeline.kv.get(key)) ?? "");
  for (const file of await pinnedFiles(pipeline)) {
    const pinned = await fetch(`${pipeline.pinning.gatewayUrl}/ipfs/${file.cid}`);
    found.set(`IPFS ${file.cid}`, JSON.stringify(file) + (await pinned.text()));
  }
  for (const [i, { message }] of pipeline.harness.getLogs().entries()) found.set(`log ${i}`, message);
  return found;
}

/** Returns the spellings of a clear text: plain, in hex, and in base64 at each of its three offsets. */
function spellings(text: string): string[] {
  const bytes = utf8(text);
  const inBase64 = [0, 1, 2].map((offset) => base64url(bytes.subarray(offset)).slice(0, 20));
  return [text, hex(bytes).slice(0, 40), ...inBase64];
}

/** Returns the record of the same document with another signature. */
async function signedAgain(record: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const { envelope } = JSON.parse(fromUtf8(record)) as { envelope: Envelope };
  const { record: again } = await signedRecord(envelope);
  if (equalBytes(again, record)) throw new Error("the signature is the same");
  return again;
}

async function signedRecord(envelope: Envelope, signer = user) {
  const id = await sha256HexOfFile(canonicalBytes(envelope));
  const signature = await signer.sign(signedDocumentBytes(CHAIN_ID, id), DOCUMENT);
  return { id, record: canonicalBytes({ envelope, signature }) };
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 65_536) crypto.getRandomValues(bytes.subarray(i, i + 65_536));
  return bytes;
}
