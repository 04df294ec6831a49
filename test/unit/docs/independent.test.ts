// A second verifier, written from docs/format.md alone, with node:crypto. It imports nothing of the project: what it
// can't know from the document, the document must say. Section numbers are those of the document.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  sign,
  verify,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

// --- 2. Conventions

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Members = { [name: string]: Json };

class Refused extends Error {
  readonly fault: string;
  constructor(fault: string, detail: string) {
    super(`${fault}: ${detail}`);
    this.fault = fault;
  }
}

function must(condition: boolean, fault: string, detail: string): asserts condition {
  if (!condition) throw new Refused(fault, detail);
}

const bytesOf = (text: string) => Buffer.from(text, "utf8");
const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "string") must(value.isWellFormed(), "not_a_block", "a lone surrogate");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted((a, b) => (a < b ? -1 : 1)) // JavaScript compares strings by UTF-16 code units
    .map((name) => `${canonical(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(",")}}`;
}

const canonicalBytes = (value: Json) => bytesOf(canonical(value));

function readCanonical(bytes: Uint8Array): Json {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as Json;
    must(canonical(value) === text, "not_a_block", "not canonical");
    return value;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused("not_a_block", "not JSON");
  }
}

/** base64url(n); `undefined` for another length or spelling. */
function decode(text: Json | undefined, length?: number): Buffer | undefined {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) return undefined;
  return length === undefined || bytes.length === length ? bytes : undefined;
}

// --- 3. Keys

const PUBLIC_KEY_BYTES = { "ML-DSA-44": 1312, "ML-KEM-768": 1184 };
type Algorithm = keyof typeof PUBLIC_KEY_BYTES;

const keyId = (algorithm: Algorithm, publicKey: Uint8Array) =>
  hex(sha256(bytesOf("vdc/key/v1"), Buffer.of(0), bytesOf(algorithm), Buffer.of(0), publicKey));

// node:crypto wants a SubjectPublicKeyInfo round the 1312 bytes (RFC 9881).
const ML_DSA_44 = Buffer.from("30820532300b06096086480165030403110382052100", "hex");

function signatureVerifies(message: Uint8Array, context: string, publicKey: Json, signature: Json): boolean {
  const [raw, signed] = [decode(publicKey, 1312), decode(signature, 2420)];
  if (raw === undefined || signed === undefined) return false;
  const key = createPublicKey({ key: Buffer.concat([ML_DSA_44, raw]), format: "der", type: "spki" });
  return verify(null, message, { key, context: bytesOf(context) }, signed);
}

// --- 3.2, 4 and 5: the shape

type Check = (value: Json, place: string) => void;

const shape = (condition: boolean, place: string) => must(condition, "not_a_block", place);
const matching =
  (pattern: RegExp): Check =>
  (value, place) =>
    shape(typeof value === "string" && pattern.test(value), place);
const text: Check = (value, place) => shape(typeof value === "string", place);
const exactly =
  (expected: Json): Check =>
  (value, place) =>
    shape(value === expected, place);
const integer: Check = (value, place) => shape(Number.isSafeInteger(value) && (value as number) >= 0, place);
const positive: Check = (value, place) => shape(Number.isSafeInteger(value) && (value as number) >= 1, place);
const hash = matching(/^[0-9a-f]{64}$/);
const base64url = matching(/^[A-Za-z0-9_-]+$/);
const transactionId = matching(/^vdc_tx_[0-9a-f]{40}$/);
const arrayOf =
  (check: Check): Check =>
  (value, place) => {
    shape(Array.isArray(value), place);
    for (const [i, element] of (value as Json[]).entries()) check(element, `${place}[${i}]`);
  };
const closed =
  (required: Record<string, Check>, optional: Record<string, Check> = {}): Check =>
  (value, place) => {
    shape(value !== null && typeof value === "object" && !Array.isArray(value), place);
    const members = value as Members;
    for (const name of Object.keys(members))
      shape(Object.hasOwn(required, name) || Object.hasOwn(optional, name), `${place}.${name} is unknown`);
    for (const [name, check] of Object.entries(required)) {
      shape(Object.hasOwn(members, name), `${place}.${name} is missing`);
      check(members[name] ?? null, `${place}.${name}`);
    }
    for (const [name, check] of Object.entries(optional))
      if (Object.hasOwn(members, name)) check(members[name] ?? null, `${place}.${name}`);
  };
const keyObject =
  (algorithm: Algorithm): Check =>
  (value, place) => {
    closed({ keyId: hash, algorithm: exactly(algorithm), publicKey: text })(value, place);
    const key = value as Members;
    const publicKey = decode(key.publicKey, PUBLIC_KEY_BYTES[algorithm]);
    shape(publicKey !== undefined && keyId(algorithm, publicKey) === key.keyId, `${place}.keyId`);
  };
const signingKey = keyObject("ML-DSA-44");
const encryptionKey = keyObject("ML-KEM-768");
const assetId = matching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);

const DATA: Record<string, Check> = {
  genesis: closed({
    chainId: text,
    formatVersion: exactly(1),
    signingKeys: arrayOf(signingKey),
    encryptionKeys: arrayOf(encryptionKey),
  }),
  key_rotation: signingKey,
  user_registration: closed({ signingKey, encryptionKey }),
  asset_creation: closed(
    { assetId },
    {
      documentHash: hash,
      documentCid: matching(/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/),
      documentType: matching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
    },
  ),
  asset_transfer: closed({ assetId, newOwnerKeyId: hash }),
  payment: closed({}),
  refund: closed({ refunds: transactionId }),
};

const userSignature = closed({
  algorithm: exactly("ML-DSA-44"),
  keyId: hash,
  publicKey: base64url,
  signature: base64url,
});

const transactionShape: Check = (value, place) => {
  const type = (value as Members | null)?.type;
  shape(typeof type === "string" && Object.hasOwn(DATA, type), `${place}.type`);
  closed(
    {
      id: transactionId,
      type: text,
      timestamp: integer,
      data: DATA[type as string] ?? text,
      signatures: closed({}, { user: userSignature }),
    },
    { privateCommitment: hash },
  )(value, place);
};

const HEADER: Record<string, Check> = {
  version: exactly(1),
  chainId: matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  blockNumber: integer,
  timestamp: integer,
  previousHash: hash,
  merkleRoot: hash,
  historyRoot: hash,
  transactionCount: positive,
};

const blockShape = closed({
  ...HEADER,
  hash,
  transactions: arrayOf(transactionShape),
  blockSignature: closed({ algorithm: exactly("ML-DSA-44"), keyId: hash, signature: base64url }),
});

interface Transaction {
  id: string;
  type: string;
  timestamp: number;
  data: Members;
  privateCommitment?: string;
  signatures: { user?: { keyId: string; publicKey: string; signature: string } };
}

interface Block {
  chainId: string;
  blockNumber: number;
  timestamp: number;
  previousHash: string;
  merkleRoot: string;
  historyRoot: string;
  transactionCount: number;
  hash: string;
  transactions: Transaction[];
  blockSignature: { keyId: string; signature: string };
}

const asJson = (value: object) => value as unknown as Json;

// --- 4.2. Transaction id

const txIdOf = (source: Json) => `vdc_tx_${hex(sha256(canonicalBytes(source))).slice(0, 40)}`;

// --- 5.3. Trees

const leaf = (data: Uint8Array) => sha256(Buffer.of(0x00), data);
const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.of(0x01), left, right);

function root(data: readonly Uint8Array[]): Buffer {
  const [only] = data;
  if (only === undefined) return sha256();
  if (data.length === 1) return leaf(only);
  let k = 1;
  while (k * 2 < data.length) k *= 2;
  return node(root(data.slice(0, k)), root(data.slice(k)));
}

function auditPathHolds(m: number, n: number, leafHash: Buffer, path: Buffer[], expected: string): boolean {
  if (m >= n) return false;
  let [fn, sn, r] = [m, n - 1, leafHash];
  for (const p of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = node(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else r = node(r, p);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return sn === 0 && hex(r) === expected;
}

// --- 5.1 and 11.2. A block

function headerHash(block: Block): string {
  const header = Object.fromEntries(Object.keys(HEADER).map((name) => [name, Reflect.get(block, name)]));
  return hex(sha256(canonicalBytes(asJson(header))));
}

function readBlock(bytes: Uint8Array): Block {
  const value = readCanonical(bytes);
  blockShape(value, "block");
  return value as unknown as Block;
}

type Place = Partial<Pick<Block, "chainId" | "blockNumber" | "previousHash" | "historyRoot" | "hash">>;

function verifyBlock(bytes: Uint8Array, place: Place, announced: ReadonlyMap<string, string>): Block {
  const block = readBlock(bytes);
  must(headerHash(block) === block.hash, "wrong_hash", "hash");
  must(block.transactions.length === block.transactionCount, "wrong_count", "transactionCount");
  const leaves = block.transactions.map((transaction) => canonicalBytes(asJson(transaction)));
  must(hex(root(leaves)) === block.merkleRoot, "wrong_merkle_root", "merkleRoot");
  for (const [name, known] of Object.entries(place))
    must(Reflect.get(block, name) === known, "wrong_place", name);

  const { keyId: signer, signature } = block.blockSignature;
  const publicKey = announced.get(signer);
  must(publicKey !== undefined, "unknown_key", signer);
  const signed = Buffer.from(block.hash, "hex");
  must(signatureVerifies(signed, "vdc/block/v1", publicKey, signature), "wrong_signature", "signature");
  for (const transaction of block.transactions) verifyUserSignature(transaction);
  return block;
}

function verifyUserSignature({ signatures, ...signed }: Transaction): void {
  const { user } = signatures;
  if (user === undefined) return;
  const publicKey = decode(user.publicKey, 1312);
  must(
    publicKey !== undefined &&
      keyId("ML-DSA-44", publicKey) === user.keyId &&
      signatureVerifies(canonicalBytes(asJson(signed)), "vdc/transaction/v1", user.publicKey, user.signature),
    "wrong_user_signature",
    signed.id,
  );
}

// --- 11.3. The whole chain

function verifyChain(stored: readonly Uint8Array[], genesisHash: string): Block[] {
  const announced = new Map<string, string>();
  const seen = new Set<string>();
  const blocks: Block[] = [];
  for (const [number, bytes] of stored.entries()) {
    if (number === 0) announceGenesis(readBlock(bytes), announced);
    const previous = blocks.at(-1);
    const place: Place = {
      blockNumber: number,
      previousHash: previous?.hash ?? "0".repeat(64),
      historyRoot: hex(root(blocks.map((block) => Buffer.from(block.hash, "hex")))),
      ...(blocks[0] === undefined ? { hash: genesisHash } : { chainId: blocks[0].chainId }),
    };
    const block = verifyBlock(bytes, place, announced);
    must(block.timestamp >= (previous?.timestamp ?? 0), "wrong_place", "timestamp");
    for (const { id, type } of block.transactions) {
      must(!seen.has(id), "wrong_place", `${id} a second time`);
      must(type !== "genesis" || number === 0, "wrong_place", "a second genesis");
      seen.add(id);
    }
    for (const { type, data } of block.transactions)
      if (type === "key_rotation") announced.set(data.keyId as string, data.publicKey as string);
    blocks.push(block);
  }
  return blocks;
}

function announceGenesis({ chainId, transactions }: Block, announced: Map<string, string>): void {
  const [genesis] = transactions;
  must(genesis?.type === "genesis" && transactions.length === 1, "wrong_place", "block 0 is not genesis");
  must(genesis.data.chainId === chainId, "wrong_place", "genesis of another chain");
  for (const key of genesis.data.signingKeys as Members[])
    announced.set(key.keyId as string, key.publicKey as string);
}

// --- 6. CID

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A protobuf field of bytes. */
const field = (tag: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes]);
const number = (tag: number, value: number) => Buffer.concat([Buffer.of(tag), varint(value)]);

interface DagNode {
  multihash: Buffer;
  fileSize: number;
  dagSize: number;
}

function dagNode(block: Buffer, fileSize: number, childrenDagSize: number): DagNode {
  const multihash = Buffer.concat([Buffer.of(0x12, 0x20), sha256(block)]);
  return { multihash, fileSize, dagSize: block.length + childrenDagSize };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function cidV0(bytes: Uint8Array): string {
  let level: DagNode[] = [];
  for (let start = 0; start === 0 || start < bytes.length; start += 262_144) {
    const chunk = bytes.subarray(start, start + 262_144);
    const data = chunk.length === 0 ? Buffer.of() : field(0x12, chunk);
    const unixfs = Buffer.concat([Buffer.of(0x08, 0x02), data, number(0x18, chunk.length)]);
    level.push(dagNode(field(0x0a, unixfs), chunk.length, 0));
  }
  while (level.length > 1) {
    const groups = Array.from({ length: Math.ceil(level.length / 174) }, (_, i) =>
      level.slice(i * 174, (i + 1) * 174),
    );
    level = groups.map((children) => {
      const links = children.map(({ multihash, dagSize }) =>
        field(0x12, Buffer.concat([field(0x0a, multihash), Buffer.of(0x12, 0x00), number(0x18, dagSize)])),
      );
      const fileSize = sum(children.map((child) => child.fileSize));
      const sizes = children.map((child) => number(0x20, child.fileSize));
      const unixfs = Buffer.concat([Buffer.of(0x08, 0x02), number(0x18, fileSize), ...sizes]);
      const block = Buffer.concat([...links, field(0x0a, unixfs)]);
      return dagNode(block, fileSize, sum(children.map((child) => child.dagSize)));
    });
  }
  const [top] = level;
  if (top === undefined) throw new Error("there is always a leaf");
  return base58(top.multihash);
}

function base58(bytes: Uint8Array): string {
  const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  let [rest, digits] = [BigInt(`0x${hex(bytes)}`), ""];
  for (; rest > 0n; rest /= 58n) digits = (alphabet[Number(rest % 58n)] ?? "") + digits;
  return digits;
}

// --- 7. KV record

function bytesOfRecord(record: Members): Buffer {
  const { ipfsHash: _, ipfsGatewayUrl: __, storage: ___, ...block } = record;
  return canonicalBytes(block);
}

// --- 8. Envelopes

const SUITE = Buffer.concat([bytesOf("HPKE"), Buffer.of(0x00, 0x41, 0x00, 0x01, 0x00, 0x02)]);
const NOTHING = Buffer.of();
const hmac = (key: Uint8Array, ...parts: Uint8Array[]) =>
  createHmac("sha256", key).update(Buffer.concat(parts)).digest();
const extract = (salt: Uint8Array, label: string, ikm: Uint8Array) =>
  hmac(salt, bytesOf("HPKE-v1"), SUITE, bytesOf(label), ikm);

/** HKDF-Expand of at most one block of 32 bytes: all that is needed here. */
const expand = (prk: Uint8Array, label: string, info: Uint8Array, length: number) =>
  hmac(prk, Buffer.of(0, length), bytesOf("HPKE-v1"), SUITE, bytesOf(label), info, Buffer.of(0x01)).subarray(
    0,
    length,
  );

function openEnvelope(envelope: Members, seed: Buffer): Buffer {
  const { enc, ct, ...header } = envelope;
  const [encapsulated, sealed] = [decode(enc, 1088), decode(ct)];
  if (encapsulated === undefined || sealed === undefined) throw new Error("not base64url");
  const shared = decapsulate(encryptionPrivateKey(seed), encapsulated);
  const context = Buffer.concat([
    Buffer.of(0x00),
    extract(NOTHING, "psk_id_hash", NOTHING),
    extract(NOTHING, "info_hash", bytesOf("vdc/envelope/v1")),
  ]);
  const secret = extract(shared, "secret", NOTHING);
  const opener = createDecipheriv(
    "aes-256-gcm",
    expand(secret, "key", context, 32),
    expand(secret, "base_nonce", context, 12),
  );
  opener.setAAD(canonicalBytes(header));
  opener.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([opener.update(sealed.subarray(0, -16)), opener.final()]);
}

// node:crypto wants a PKCS #8 round the seeds (RFC 9881, RFC 9935).
const privateKey = (prefix: string, seed: Buffer) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from(prefix, "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
const encryptionPrivateKey = (seed: Buffer) =>
  privateKey("3054020100300b060960864801650304040204428040", seed);
const signingPrivateKey = (seed: Buffer) => privateKey("3034020100300b060960864801650304031104228020", seed);

// --- The worked example

const FIXTURES = join(import.meta.dirname, "../../fixtures");
const fixture = (path: string) => JSON.parse(readFileSync(join(FIXTURES, path), "utf8")) as unknown;

interface ExampleKey {
  seed: string;
  publicKey: string;
  keyId: string;
}
const keys = fixture("worked-example/keys.json") as Record<
  "signing1" | "signing2" | "user" | "encryption",
  ExampleKey
>;
const { blocks: published } = fixture("worked-example/chain.json") as {
  blocks: { cid: string; bytes: string }[];
};
const example = published.map(({ bytes }) => bytesOf(bytes));
const blocks = example.map((bytes) => JSON.parse(bytes.toString()) as Block);
const GENESIS = "f69ead7c65ec454b91d618a3ff238910956dd07dc8d6c27723558022de17bc61";

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

describe("a verifier written from docs/format.md", () => {
  it("derives the key ids of the example", () => {
    for (const { publicKey, keyId: id } of [keys.signing1, keys.signing2, keys.user])
      expect(keyId("ML-DSA-44", Buffer.from(publicKey, "base64url"))).toBe(id);
    const { publicKey, keyId: id } = keys.encryption;
    expect(keyId("ML-KEM-768", Buffer.from(publicKey, "base64url"))).toBe(id);
  });

  it("verifies the example's chain, over its key rotation", () => {
    const verified = verifyChain(example, GENESIS);
    expect(verified.map(({ blockSignature }) => blockSignature.keyId)).toEqual([
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing1.keyId,
      keys.signing2.keyId,
    ]);
  });

  it("derives the ids of the example's transactions from their sources", () => {
    const stripe = (object: string) => txIdOf({ source: "stripe", livemode: false, account: null, object });
    expect(blocks.map(({ transactions }) => transactions.map((transaction) => transaction.id))).toEqual([
      [txIdOf({ source: "genesis", chainId: "vdc-example" })],
      [stripe("pi_example_1"), stripe("pi_example_2")],
      [
        txIdOf({ source: "key_rotation", chainId: "vdc-example", keyId: keys.signing2.keyId }),
        stripe("re_example_1"),
      ],
      [stripe("pi_example_4")],
    ]);
    expect(at(at(blocks, 2).transactions, 1).data.refunds).toBe(stripe("pi_example_2"));
  });

  it("computes the CIDs of the example's blocks", () => {
    expect(example.map(cidV0)).toEqual(published.map(({ cid }) => cid));
  });

  it("gets the block's bytes back from its KV record", () => {
    const { record } = fixture("worked-example/kv-record.json") as { record: Members };
    const bytes = bytesOfRecord(record);
    expect(bytes).toEqual(at(example, 1));
    expect(record.ipfsHash).toBe(cidV0(bytes));
  });

  it("opens the pending transaction, and finds its commitment in the block", () => {
    const { envelope, payload } = fixture("worked-example/pending.json") as {
      envelope: Members;
      payload: string;
    };
    const opened = openEnvelope(envelope, Buffer.from(keys.encryption.seed, "hex"));
    expect(opened.toString()).toBe(payload);
    const { transaction, private: hidden } = JSON.parse(payload) as {
      transaction: Transaction;
      private: { salt: string; part: Json };
    };
    expect(transaction).toEqual(at(at(blocks, 1).transactions, 0));
    const salt = decode(hidden.salt, 32) ?? Buffer.of();
    expect(hex(sha256(salt, canonicalBytes(hidden.part)))).toBe(transaction.privateCommitment);
    expect(envelope.txId).toBe(transaction.id);

    const changes: Members[] = [{ txId: "vdc_tx_other" }, { kid: keys.user.keyId }, { v: 2 }];
    for (const changed of changes)
      expect(() =>
        openEnvelope({ ...envelope, ...changed }, Buffer.from(keys.encryption.seed, "hex")),
      ).toThrow(/authenticate/);
  });

  it("checks that a transaction is in its block, and a block in a later one's history", () => {
    const { transactions, merkleRoot } = at(blocks, 1);
    const [first, second] = transactions.map((transaction) => leaf(canonicalBytes(asJson(transaction))));
    if (first === undefined || second === undefined) throw new Error("block 1 has two transactions");
    expect(auditPathHolds(0, 2, first, [second], merkleRoot)).toBe(true);
    expect(auditPathHolds(1, 2, first, [second], merkleRoot)).toBe(false);
    expect(auditPathHolds(0, 2, second, [second], merkleRoot)).toBe(false);
    expect(auditPathHolds(0, 2, first, [], merkleRoot)).toBe(false);
    expect(auditPathHolds(2, 2, first, [second], merkleRoot)).toBe(false);

    const [h0, h1, h2] = blocks.map((block) => leaf(Buffer.from(block.hash, "hex")));
    if (h0 === undefined || h1 === undefined || h2 === undefined) throw new Error("four blocks");
    const { historyRoot } = at(blocks, 3);
    expect(auditPathHolds(0, 3, h0, [h1, h2], historyRoot)).toBe(true);
    expect(auditPathHolds(1, 3, h1, [h0, h2], historyRoot)).toBe(true);
    expect(auditPathHolds(2, 3, h2, [node(h0, h1)], historyRoot)).toBe(true);
    expect(auditPathHolds(0, 3, h0, [h2, h1], historyRoot)).toBe(false);
  });
});

describe("its CIDs of larger files", () => {
  const { vectors } = fixture("cid.json") as {
    vectors: {
      small: { name: string; contentHex: string; cidV0: string }[];
      keystreamFiles: { name: string; size: number; seed: string; cidV0: string }[];
    };
  };

  it.each(vectors.small)("are those published: $name", ({ contentHex, cidV0: expected }) => {
    expect(cidV0(Buffer.from(contentHex, "hex"))).toBe(expected);
  });

  it.each(vectors.keystreamFiles)("are those published: $name", ({ seed, size, cidV0: expected }) => {
    const key = createHash("sha256").update(seed).digest();
    const bytes = createCipheriv("chacha20", key, Buffer.alloc(16)).update(Buffer.alloc(size));
    expect(cidV0(bytes)).toBe(expected);
  });
});

// --- Tampering

function signature(message: Uint8Array, context: string, key: ExampleKey): string {
  const secret = signingPrivateKey(Buffer.from(key.seed, "hex"));
  return sign(null, message, { key: secret, context: bytesOf(context) }).toString("base64url");
}

/** An attacker's or the operator's work: all roots and the hash are made to fit, and the block is signed. */
function sealed(block: Block, key: ExampleKey): Block {
  const transactions = block.transactions.map((transaction) => canonicalBytes(asJson(transaction)));
  const header = {
    ...block,
    transactionCount: block.transactions.length,
    merkleRoot: hex(root(transactions)),
  };
  const signed = { ...header, hash: headerHash(header) };
  return {
    ...signed,
    blockSignature: {
      ...block.blockSignature,
      keyId: key.keyId,
      signature: signature(Buffer.from(signed.hash, "hex"), "vdc/block/v1", key),
    },
  };
}

function signedByUser(
  transaction: Transaction,
  context = "vdc/transaction/v1",
  key = keys.user,
): Transaction {
  const { signatures: _, ...signed } = transaction;
  const { publicKey, keyId: id } = key;
  const user = {
    algorithm: "ML-DSA-44",
    keyId: id,
    publicKey,
    signature: signature(canonicalBytes(asJson(signed)), context, key),
  };
  return { ...transaction, signatures: { user } };
}

const stored = (block: object) => canonicalBytes(asJson(block));

/** The example with one block replaced, up to this block. */
function faultOf(index: number, bytes: Uint8Array, genesisHash = GENESIS): string {
  try {
    verifyChain([...example.slice(0, index), bytes], genesisHash);
    return "accepted";
  } catch (error) {
    if (error instanceof Refused) return error.fault;
    throw error;
  }
}

/** A new block on top of the example, with these transactions. */
function next(transactions: Transaction[], members: Partial<Block> = {}): Block {
  const last = at(blocks, 3);
  return {
    ...last,
    blockNumber: 4,
    previousHash: last.hash,
    historyRoot: hex(root(blocks.map((block) => Buffer.from(block.hash, "hex")))),
    transactions,
    ...members,
  };
}

const newId = (n: number) => `vdc_tx_${String(n).padStart(40, "0")}`;
const plain = (n: number, type: string, data: Members): Transaction => ({
  id: newId(n),
  type,
  timestamp: 1_788_221_000_000,
  data,
  signatures: {},
});
const keyOf = (algorithm: Algorithm, { keyId: id, publicKey }: ExampleKey) => ({
  keyId: id,
  algorithm,
  publicKey,
});

/** Every place of a JSON value, the value itself first. */
function* places(value: Json, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(value))
    yield* places(member, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** A copy with the value at this place replaced; `undefined` removes it. */
function changed(value: Json, path: (string | number)[], replace: (old: Json) => Json | undefined): Json {
  const copy = structuredClone<{ value: Json }>({ value });
  const names = ["value", ...path];
  let holder = copy as unknown as Record<string | number, Json>;
  for (const name of names.slice(0, -1)) holder = holder[name] as Record<string | number, Json>;
  const last = names.at(-1) ?? "value";
  const replaced = replace(holder[last] ?? null);
  if (replaced !== undefined) holder[last] = replaced;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy.value;
}

/** Another value of the same kind: a digit or letter changed, a number one off. */
function other(value: Json): Json {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string") {
    const middle = Math.floor(value.length / 2);
    return value.slice(0, middle) + (value[middle] === "b" ? "c" : "b") + value.slice(middle + 1);
  }
  if (Array.isArray(value)) return [...value, ...value, null];
  return { ...(value as Members), unknown: 1 };
}

describe.each([0, 1, 2, 3])("block %i of the example, tampered with", (index) => {
  const block = asJson(at(blocks, index));
  const everywhere = [...places(block)].map((path) => ({ path, place: path.join(".") || "all of it" }));

  it.each(everywhere)("is refused when $place is another", ({ path }) => {
    expect(faultOf(index, stored(changed(block, path, other) as object))).not.toBe("accepted");
  });

  it.each(everywhere.slice(1))("is refused without $place", ({ path }) => {
    expect(faultOf(index, stored(changed(block, path, () => undefined) as object))).not.toBe("accepted");
  });

  it.each(everywhere)("is refused when $place is of another type", ({ path }) => {
    for (const odd of [null, true, -1, 0.5, "", [], {}]) {
      const bytes = canonicalBytes(changed(block, path, () => odd));
      if (!bytes.equals(at(example, index))) expect(faultOf(index, bytes)).not.toBe("accepted");
    }
  });

  it("is refused in any other spelling", () => {
    const bytes = at(example, index);
    const text = bytes.toString();
    const spellings = [
      ` ${text}`,
      `${text}\n`,
      `\uFEFF${text}`,
      text.slice(0, -1),
      text.replace(":", ": "),
      text.replace('"version":1', '"version":1.0'),
      text.replace('"version":1', '"version":1e0'),
      text.replace('"version":1', '"version":1,"version":1'),
      text.replace('"chainId":"v', '"chainId":"\\u0076'),
      JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as Members).toReversed())),
    ];
    for (const spelling of spellings) expect(faultOf(index, bytesOf(spelling))).toBe("not_a_block");
    expect(faultOf(index, Buffer.concat([bytes, Buffer.of(0xff)]))).toBe("not_a_block");
  });

  it("is refused with a signature that is cut, spelled otherwise, or over something else", () => {
    const original = at(blocks, index);
    const { signature: good, ...rest } = original.blockSignature;
    const wrong = [good.slice(0, -1), `${good}A`, `${good.slice(0, -1)}_`, good.toUpperCase(), "A"];
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    wrong.push(signature(Buffer.from(original.hash, "hex"), "vdc/transaction/v1", signer));
    wrong.push(signature(bytesOf(original.hash), "vdc/block/v1", signer));
    for (const bad of wrong) {
      const bytes = stored({ ...original, blockSignature: { ...rest, signature: bad } });
      expect(faultOf(index, bytes)).toBe("wrong_signature");
    }
  });

  it("is accepted with another signature of the same key, for signing is hedged", () => {
    const signer = index === 3 ? keys.signing2 : keys.signing1;
    const again = stored(sealed(at(blocks, index), signer));
    expect(again.equals(at(example, index))).toBe(false);
    expect(faultOf(index, again)).toBe("accepted");
  });
});

describe("an attacker without the key", () => {
  it("can change no member of a header, though he computes the hash again", () => {
    const block = at(blocks, 1);
    for (const name of Object.keys(HEADER)) {
      const tampered = changed(asJson(block), [name], other) as unknown as Block;
      const fault = faultOf(1, stored({ ...tampered, hash: headerHash(tampered) }));
      expect(fault, name).toBe(
        {
          version: "not_a_block",
          timestamp: "wrong_signature",
          merkleRoot: "wrong_merkle_root",
          transactionCount: "wrong_count",
        }[name] ?? "wrong_place",
      );
    }
  });

  it("can't change a transaction, though he computes root and hash again", () => {
    const block = at(blocks, 1);
    const transactions = block.transactions.map((transaction) => ({ ...transaction, timestamp: 1 }));
    const { blockSignature: _, ...forged } = sealed({ ...block, transactions }, keys.user);
    const { blockSignature } = block;
    expect(faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't sign with a key of his own, nor under the name of another", () => {
    const forged = sealed(at(blocks, 1), keys.user);
    expect(faultOf(1, stored(forged))).toBe("unknown_key");
    const { keyId: known } = keys.signing1;
    const blockSignature = { ...forged.blockSignature, keyId: known };
    expect(faultOf(1, stored({ ...forged, blockSignature }))).toBe("wrong_signature");
  });

  it("can't begin another chain in the place of genesis", () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const data = { ...transaction.data, signingKeys: [keyOf("ML-DSA-44", keys.user)] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(faultOf(0, stored(forged))).toBe("wrong_place");
    expect(faultOf(0, stored(forged), forged.hash)).toBe("accepted"); // so the hash must be known
  });

  it("can't give a known key id to his own key", () => {
    const genesis = at(blocks, 0);
    const [transaction] = genesis.transactions;
    if (transaction === undefined) throw new Error("block 0 has a transaction");
    const stolen = { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId };
    const data = { ...transaction.data, signingKeys: [stolen] };
    const forged = sealed({ ...genesis, transactions: [{ ...transaction, data }] }, keys.user);
    expect(faultOf(0, stored(forged), forged.hash)).toBe("not_a_block");
  });
});

describe("blocks out of place, rightly signed", () => {
  const payment = plain(1, "payment", {});

  it("are accepted when they follow all rules", () => {
    for (const key of [keys.signing1, keys.signing2])
      expect(faultOf(4, stored(sealed(next([payment]), key)))).toBe("accepted");
  });

  it.each([
    { members: { blockNumber: 5 } },
    { members: { blockNumber: 3 } },
    { members: { previousHash: at(blocks, 2).hash } },
    { members: { historyRoot: at(blocks, 3).historyRoot } },
    { members: { chainId: "other-chain" } },
    { members: { timestamp: at(blocks, 3).timestamp - 1 } },
  ])("are refused with $members", ({ members }) => {
    expect(faultOf(4, stored(sealed(next([payment], members), keys.signing2)))).toBe("wrong_place");
  });

  it("may have the time of the block before", () => {
    const { timestamp } = at(blocks, 3);
    expect(faultOf(4, stored(sealed(next([payment], { timestamp }), keys.signing2)))).toBe("accepted");
  });

  it("are refused when a block is left out, exchanged or repeated", () => {
    const orders = [[0, 2], [0, 1, 3], [1], [0, 2, 1], [0, 1, 1], [0, 0]];
    for (const order of orders)
      expect(() =>
        verifyChain(
          order.map((i) => at(example, i)),
          GENESIS,
        ),
      ).toThrow(Refused);
  });

  it("are refused with a transaction that stands in the chain already, or twice in the block", () => {
    const known = at(at(blocks, 1).transactions, 1);
    expect(faultOf(4, stored(sealed(next([known]), keys.signing2)))).toBe("wrong_place");
    expect(faultOf(4, stored(sealed(next([payment, payment]), keys.signing2)))).toBe("wrong_place");
  });

  it("are refused with a second genesis, or none in block 0", () => {
    const [genesis] = at(blocks, 0).transactions;
    if (genesis === undefined) throw new Error("block 0 has a transaction");
    const again = { ...genesis, id: newId(2) };
    expect(faultOf(4, stored(sealed(next([again]), keys.signing2)))).toBe("wrong_place");
    const without = sealed({ ...at(blocks, 0), transactions: [payment] }, keys.signing1);
    expect(faultOf(0, stored(without), without.hash)).toBe("wrong_place");
    const more = sealed({ ...at(blocks, 0), transactions: [genesis, payment] }, keys.signing1);
    expect(faultOf(0, stored(more), more.hash)).toBe("wrong_place");
    const foreign = sealed({ ...at(blocks, 0), chainId: "other-chain" }, keys.signing1);
    expect(faultOf(0, stored(foreign), foreign.hash)).toBe("wrong_place");
  });

  it("are refused without transactions", () => {
    expect(faultOf(4, stored(sealed(next([]), keys.signing2)))).toBe("not_a_block");
  });

  it("are refused when the key that signs is announced in this very block", () => {
    const rotation = plain(3, "key_rotation", keyOf("ML-DSA-44", keys.user));
    expect(faultOf(4, stored(sealed(next([rotation]), keys.user)))).toBe("unknown_key");
    expect(faultOf(2, stored(sealed(at(blocks, 2), keys.signing2)))).toBe("unknown_key");
  });

  it("are accepted from the next block on", () => {
    const rotation = plain(3, "key_rotation", keyOf("ML-DSA-44", keys.user));
    const announcing = sealed(next([rotation]), keys.signing2);
    const hashes = [...blocks, announcing].map((block) => Buffer.from(block.hash, "hex"));
    const following = sealed(
      next([payment], {
        blockNumber: 5,
        previousHash: announcing.hash,
        historyRoot: hex(root(hashes)),
      }),
      keys.user,
    );
    const chain = [...example, stored(announcing), stored(following)];
    expect(verifyChain(chain, GENESIS)).toHaveLength(6);
  });
});

describe("transactions, in a block that is rightly signed", () => {
  const registration = plain(1, "user_registration", {
    signingKey: keyOf("ML-DSA-44", keys.user),
    encryptionKey: keyOf("ML-KEM-768", keys.encryption),
  });
  const creation = plain(2, "asset_creation", {
    assetId: "a:1._-",
    documentHash: "0".repeat(64),
    documentCid: at(published, 0).cid,
    documentType: "deed-of_sale1",
  });
  const transfer = plain(3, "asset_transfer", { assetId: "a", newOwnerKeyId: keys.user.keyId });
  const fault = (...transactions: Transaction[]) =>
    faultOf(4, stored(sealed(next(transactions), keys.signing2)));

  it("are accepted in every type, with and without a user signature", () => {
    const all = [registration, creation, transfer];
    expect(fault(...all)).toBe("accepted");
    expect(fault(...all.map((transaction) => signedByUser(transaction)))).toBe("accepted");
  });

  it.each([
    plain(1, "payments", {}),
    plain(1, "toString", {}),
    plain(1, "payment", { amount: 1 }),
    plain(1, "asset_creation", { assetId: "zoe@example.com" }),
    plain(1, "asset_creation", { assetId: "Zoe Mueller" }),
    plain(1, "asset_creation", { assetId: `a${"b".repeat(128)}` }),
    plain(1, "asset_creation", { assetId: "" }),
    plain(1, "asset_creation", { assetId: "a", documentType: "Deed" }),
    plain(1, "asset_creation", { assetId: "a", documentCid: "QmI" }),
    plain(1, "asset_transfer", { assetId: "a", newOwnerKeyId: keys.user.keyId.toUpperCase() }),
    plain(1, "refund", { refunds: "pi_example_1" }),
    plain(1, "key_rotation", { ...keyOf("ML-DSA-44", keys.user), keyId: keys.signing1.keyId }),
    plain(1, "key_rotation", keyOf("ML-KEM-768", keys.encryption)),
    plain(1, "user_registration", { ...registration.data, signingKey: keyOf("ML-KEM-768", keys.user) }),
    { ...plain(1, "payment", {}), id: "vdc_tx_1" },
    { ...plain(1, "payment", {}), timestamp: 2 ** 53 },
    { ...plain(1, "payment", {}), timestamp: -1 },
    { ...plain(1, "payment", {}), privateCommitment: "" },
  ])("are refused in another shape: $type $data", (transaction) => {
    expect(fault(transaction)).toBe("not_a_block");
  });

  it("are refused with a user signature over something else, in another context or of another key", () => {
    const signed = signedByUser(transfer);
    const { user } = signed.signatures;
    if (user === undefined) throw new Error("it is signed");
    const withUser = (members: object) => ({ ...signed, signatures: { user: { ...user, ...members } } });
    const wrong = [
      { ...signed, id: newId(9) },
      { ...signed, timestamp: signed.timestamp + 1 },
      { ...signed, data: { ...signed.data, assetId: "b" } },
      { ...signed, privateCommitment: "0".repeat(64) },
      signedByUser(transfer, "vdc/block/v1"),
      withUser({ keyId: keys.signing1.keyId }),
      withUser({ publicKey: keys.signing1.publicKey }),
      withUser({ publicKey: keys.signing1.publicKey, keyId: keys.signing1.keyId }),
      withUser({ publicKey: keys.encryption.publicKey }),
      withUser({ signature: user.signature.slice(0, -4) }),
      withUser({ signature: "A" }),
    ];
    for (const transaction of wrong) expect(fault(transaction)).toBe("wrong_user_signature");
  });

  it("may be signed by any key, known to the chain or not", () => {
    expect(fault(signedByUser(plain(1, "payment", {})))).toBe("accepted");
    const { signatures } = signedByUser(transfer, undefined, keys.signing1);
    expect(fault({ ...transfer, signatures })).toBe("accepted");
  });
});
