// A second verifier, written from docs/format.md alone, with node:crypto. It imports nothing of the project, so the
// document must state everything that the verifier needs. Section numbers are those of the document.
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  verify,
} from "node:crypto";

// --- 2. Conventions

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Members = { [name: string]: Json };

export class Refused extends Error {
  readonly fault: string;
  constructor(fault: string, detail: string) {
    super(`${fault}: ${detail}`);
    this.fault = fault;
  }
}

function must(condition: boolean, fault: string, detail: string): asserts condition {
  if (!condition) throw new Refused(fault, detail);
}

export const bytesOf = (text: string) => Buffer.from(text, "utf8");
export const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "string") must(value.isWellFormed(), "not_a_block", "a lone surrogate");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted((a, b) => (a < b ? -1 : 1)) // JavaScript compares strings by UTF-16 code units
    .map((name) => `${canonical(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(",")}}`;
}

export const canonicalBytes = (value: Json) => bytesOf(canonical(value));

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

/** Decodes base64url text of this many bytes; `undefined` for another length or spelling. */
export function decode(text: Json | undefined, length?: number): Buffer | undefined {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) return undefined;
  return length === undefined || bytes.length === length ? bytes : undefined;
}

// --- 3. Keys

const PUBLIC_KEY_BYTES = { "ML-DSA-44": 1312, "ML-KEM-768": 1184 };
export type Algorithm = keyof typeof PUBLIC_KEY_BYTES;

export const keyId = (algorithm: Algorithm, publicKey: Uint8Array) =>
  hex(sha256(bytesOf("vdc/key/v1"), Buffer.of(0), bytesOf(algorithm), Buffer.of(0), publicKey));

// node:crypto expects the 1312 bytes inside a SubjectPublicKeyInfo (RFC 9881).
const ML_DSA_44 = Buffer.from("30820532300b06096086480165030403110382052100", "hex");

/** Earlier results: tests verify the same first blocks of one chain hundreds of times. */
const verifications = new Map<string, boolean>();

function signatureVerifies(message: Uint8Array, context: string, publicKey: Json, signature: Json): boolean {
  const [raw, signed] = [decode(publicKey, 1312), decode(signature, 2420)];
  if (raw === undefined || signed === undefined) return false;
  const asked = hex(sha256(sha256(message), sha256(bytesOf(context)), raw, signed));
  const known = verifications.get(asked);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.concat([ML_DSA_44, raw]), format: "der", type: "spki" });
  const verified = verify(null, message, { key, context: bytesOf(context) }, signed);
  verifications.set(asked, verified);
  return verified;
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
const cid = matching(/^Qm[1-9A-HJ-NP-Za-km-z]{44}$/);
const base64url = matching(/^[A-Za-z0-9_-]+$/);
const transactionId = matching(/^vdc_tx_[0-9a-f]{40}$/);
const orNull =
  (check: Check): Check =>
  (value, place) => {
    if (value !== null) check(value, place);
  };
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
    signingKeys: (value, place) => {
      arrayOf(signingKey)(value, place);
      shape((value as Json[]).length === 1, place);
    },
    encryptionKeys: arrayOf(encryptionKey),
  }),
  key_rotation: signingKey,
  key_revocation: closed({
    keyId: hash,
    fromBlock: integer,
    reason: (value, place) => {
      text(value, place);
      const { length } = value as string; // in UTF-16 code units
      shape(length >= 1 && length <= 200, place);
      for (const point of value as string) {
        const code = point.codePointAt(0) ?? 0;
        shape(code > 0x1f && (code < 0x7f || code > 0x9f), place);
      }
    },
  }),
  user_registration: closed({ signingKey, encryptionKey }),
  asset_creation: closed(
    { assetId },
    {
      documentHash: hash,
      documentCid: cid,
      documentType: matching(/^[a-z0-9][a-z0-9_-]{0,63}$/),
    },
  ),
  asset_transfer: closed({ assetId, newOwnerKeyId: hash }),
  payment: closed({}, { pays: transactionId }),
  refund: closed({ refunds: orNull(transactionId) }),
  refund_failure: closed({ failed: orNull(transactionId), refunds: orNull(transactionId) }),
};

const userSignature = closed({
  algorithm: exactly("ML-DSA-44"),
  keyId: hash,
  publicKey: base64url,
  signature: base64url,
});

const envelope = closed({
  v: exactly(1),
  suite: exactly("HPKE-0041-0001-0002"),
  kid: hash,
  txId: text,
  enc: base64url,
  ct: base64url,
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

export const HEADER: Record<string, Check> = {
  version: exactly(1),
  chainId: matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  blockNumber: integer,
  timestamp: integer,
  previousHash: hash,
  previousCid: orNull(cid),
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

export interface Transaction {
  id: string;
  type: string;
  timestamp: number;
  data: Members;
  privateCommitment?: string;
  signatures: { user?: UserSignature };
}

export interface Block {
  chainId: string;
  blockNumber: number;
  timestamp: number;
  previousHash: string;
  previousCid: string | null;
  merkleRoot: string;
  historyRoot: string;
  transactionCount: number;
  hash: string;
  transactions: Transaction[];
  blockSignature: { keyId: string; signature: string };
}

export const asJson = (value: object) => value as unknown as Json;

// --- 4.2. Transaction id

export const txIdOf = (source: Json) => `vdc_tx_${hex(sha256(canonicalBytes(source))).slice(0, 40)}`;

export function userTxId(
  chainId: string,
  signer: string,
  { data, privateCommitment, timestamp, type }: Omit<Transaction, "id" | "signatures">,
): string {
  return txIdOf({
    chainId,
    data,
    keyId: signer,
    ...(privateCommitment !== undefined && { privateCommitment }),
    source: "user",
    timestamp,
    type,
  });
}

// --- 5.3. Trees

export const leaf = (data: Uint8Array) => sha256(Buffer.of(0x00), data);
export const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.of(0x01), left, right);

export function root(data: readonly Uint8Array[]): Buffer {
  const [only] = data;
  if (only === undefined) return sha256();
  if (data.length === 1) return leaf(only);
  let k = 1;
  while (k * 2 < data.length) k *= 2;
  return node(root(data.slice(0, k)), root(data.slice(k)));
}

export function auditPathHolds(
  m: number,
  n: number,
  leafHash: Buffer,
  path: Buffer[],
  expected: string,
): boolean {
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

export function headerHash(block: Block): string {
  const header = Object.fromEntries(Object.keys(HEADER).map((name) => [name, Reflect.get(block, name)]));
  return hex(sha256(canonicalBytes(asJson(header))));
}

function readBlock(bytes: Uint8Array): Block {
  const value = readCanonical(bytes);
  blockShape(value, "block");
  return value as unknown as Block;
}

type Place = Partial<
  Pick<Block, "chainId" | "blockNumber" | "previousHash" | "previousCid" | "historyRoot" | "hash">
>;

function verifyBlock(bytes: Uint8Array, place: Place, announced: readonly AnnouncedKey[]): Block {
  const block = readBlock(bytes);
  must(headerHash(block) === block.hash, "wrong_hash", "hash");
  must(block.transactions.length === block.transactionCount, "wrong_count", "transactionCount");
  const leaves = block.transactions.map((transaction) => canonicalBytes(asJson(transaction)));
  must(hex(root(leaves)) === block.merkleRoot, "wrong_merkle_root", "merkleRoot");
  for (const [name, known] of Object.entries(place))
    must(Reflect.get(block, name) === known, "wrong_place", name);
  must((block.previousCid === null) === (block.blockNumber === 0), "wrong_place", "previousCid");

  const { keyId: signer, signature } = block.blockSignature;
  const key = announced.find(({ keyId: id }) => id === signer);
  must(key !== undefined, "unknown_key", signer);
  must(key === announced.at(-1), "retired_key", signer);
  const { publicKey } = key;
  const signed = Buffer.from(block.hash, "hex");
  must(signatureVerifies(signed, "vdc/block/v1", publicKey, signature), "wrong_signature", "signature");
  for (const transaction of block.transactions) verifyUsersHalf(transaction, block.chainId);
  verifySystems(block);
  return block;
}

// --- 5.2. The system's own transactions

const SYSTEMS = ["genesis", "key_rotation", "key_revocation"];

function verifySystems({ chainId, blockNumber, transactions }: Block): void {
  let front = -1; // the rank of the system's transaction before this one; 3 once a transaction of another type has been seen
  for (const { id, type, data } of transactions) {
    const rank = SYSTEMS.indexOf(type);
    must((rank === 0) === (blockNumber === 0), "wrong_place", `${id} is a ${type}`);
    if (rank === -1) {
      front = SYSTEMS.length;
      continue;
    }
    must(rank > front, "wrong_place", `${id} does not stand at the front`);
    front = rank;
    const named = {
      ...(rank > 0 && { keyId: data.keyId ?? null }),
      ...(rank === 2 && { fromBlock: data.fromBlock ?? null }),
    };
    must(txIdOf({ source: type, chainId, ...named }) === id, "wrong_transaction_id", id);
  }
}

// --- 5.5. Signing keys

interface AnnouncedKey {
  keyId: string;
  publicKey: string;
  /** The number of the last block that the key may sign. */
  last?: number;
  /** The number of the first block for which the key is not trusted. */
  revokedFrom?: number;
}

/** Returns the announced keys after a block, the active key last. */
function keysAfter(announced: readonly AnnouncedKey[], { blockNumber, transactions }: Block): AnnouncedKey[] {
  const keys = announced.map((key) => ({ ...key }));
  for (const { id, type, data } of transactions) {
    const known = keys.find((key) => key.keyId === data.keyId);
    if (type === "key_rotation") {
      must(known === undefined, "broken_rule", `${id} announces a known key`);
      const last = keys.at(-1);
      if (last !== undefined) last.last = blockNumber;
      keys.push({ keyId: data.keyId as string, publicKey: data.publicKey as string });
    }
    if (type === "key_revocation") {
      const fromBlock = data.fromBlock as number;
      must(known?.last !== undefined && known.last < blockNumber, "broken_rule", `${id}: not retired before`);
      must(fromBlock <= blockNumber, "broken_rule", `${id}: a block to come`);
      must(
        known.revokedFrom === undefined || fromBlock < known.revokedFrom,
        "broken_rule",
        `${id}: not earlier`,
      );
      known.revokedFrom = fromBlock;
    }
  }
  return keys;
}

/**
 * Returns the numbers of the blocks that a revoked key signed, from the first block for which the key is not trusted.
 */
export function untrustedBlocks(blocks: readonly Block[]): number[] {
  let keys: AnnouncedKey[] = [];
  for (const block of blocks) keys = block.blockNumber === 0 ? keysOfGenesis(block) : keysAfter(keys, block);
  const revokedFrom = new Map(keys.map((key) => [key.keyId, key.revokedFrom ?? Infinity]));
  return blocks
    .filter((block) => block.blockNumber >= (revokedFrom.get(block.blockSignature.keyId) ?? Infinity))
    .map(({ blockNumber }) => blockNumber);
}

// --- 4.5. User signature

const MUST_BE_SIGNED = ["user_registration", "asset_transfer"];
const MAY_BE_SIGNED = [...MUST_BE_SIGNED, "asset_creation"];

function verifyUsersHalf({ signatures, ...signed }: Transaction, chainId: string): void {
  const { id, type } = signed;
  const { user } = signatures;
  if (user === undefined) {
    must(!MUST_BE_SIGNED.includes(type), "wrong_user_signature", `${id} is not signed`);
    return;
  }
  must(MAY_BE_SIGNED.includes(type), "wrong_user_signature", `${id} is signed`);
  must(userTxId(chainId, user.keyId, signed) === id, "wrong_transaction_id", id);
  must(
    userSigned(user, canonicalBytes(asJson(signed)), "vdc/transaction/v1"),
    "wrong_user_signature",
    `the signature of ${id}`,
  );
}

export interface UserSignature {
  keyId: string;
  publicKey: string;
  signature: string;
}

function userSigned(user: UserSignature, message: Uint8Array, context: string): boolean {
  const publicKey = decode(user.publicKey, 1312);
  return (
    publicKey !== undefined &&
    keyId("ML-DSA-44", publicKey) === user.keyId &&
    signatureVerifies(message, context, user.publicKey, user.signature)
  );
}

// --- 4.7. Rules

class Ledger {
  readonly owners: Map<string, string | undefined>;
  readonly users: Set<string>;

  constructor(before?: Ledger) {
    this.owners = new Map(before?.owners);
    this.users = new Set(before?.users);
  }

  apply({ type, data, signatures }: Transaction): string | undefined {
    const signer = signatures.user?.keyId;
    const asset = data.assetId as string;
    if (type === "asset_creation") {
      if (this.owners.has(asset)) return "asset_exists";
      this.owners.set(asset, signer);
    }
    if (type === "asset_transfer") {
      if (!this.owners.has(asset)) return "unknown_asset";
      const owner = this.owners.get(asset);
      if (owner === undefined || owner !== signer) return "not_owner";
      this.owners.set(asset, data.newOwnerKeyId as string);
    }
    if (type === "user_registration") {
      const { keyId: user } = data.signingKey as { keyId: string };
      if (user !== signer) return "not_own_key";
      if (this.users.has(user)) return "user_exists";
      this.users.add(user);
    }
    return undefined;
  }
}

// --- 11.3. The whole chain

export function verifyChain(stored: readonly Uint8Array[], genesisHash: string): Block[] {
  let announced: AnnouncedKey[] = [];
  const seen = new Set<string>();
  let ledger = new Ledger();
  const blocks: Block[] = [];
  for (const [number, bytes] of stored.entries()) {
    if (number === 0) announced = keysOfGenesis(readBlock(bytes));
    const previous = blocks.at(-1);
    const previousBytes = stored[number - 1];
    const place: Place = {
      blockNumber: number,
      previousHash: previous?.hash ?? "0".repeat(64),
      previousCid: previousBytes === undefined ? null : cidV0(previousBytes),
      historyRoot: hex(root(blocks.map((block) => Buffer.from(block.hash, "hex")))),
      ...(blocks[0] === undefined ? { hash: genesisHash } : { chainId: blocks[0].chainId }),
    };
    const block = verifyBlock(bytes, place, announced);
    must(block.timestamp >= (previous?.timestamp ?? 0), "wrong_place", "timestamp");
    for (const { id } of block.transactions) {
      must(!seen.has(id), "wrong_place", `${id} a second time`);
      seen.add(id);
    }
    const after = new Ledger(ledger);
    for (const transaction of block.transactions) {
      const broken = after.apply(transaction);
      must(broken === undefined, "broken_rule", `${transaction.id} ${broken ?? ""}`);
    }
    ledger = after;
    if (number > 0) announced = keysAfter(announced, block);
    blocks.push(block);
  }
  return blocks;
}

function keysOfGenesis({ chainId, transactions }: Block): AnnouncedKey[] {
  const [genesis] = transactions;
  must(genesis?.type === "genesis" && transactions.length === 1, "wrong_place", "block 0 is not genesis");
  must(genesis.data.chainId === chainId, "wrong_place", "genesis of another chain");
  const [key] = genesis.data.signingKeys as { keyId: string; publicKey: string }[];
  return key === undefined ? [] : [key];
}

// --- 6. CID

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Encodes a protobuf field of bytes. */
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

export function cidV0(bytes: Uint8Array): string {
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

export function bytesOfRecord(record: Members): Buffer {
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

/** HKDF-Expand to at most 32 bytes, one block of output. */
const expand = (prk: Uint8Array, label: string, info: Uint8Array, length: number) =>
  hmac(prk, Buffer.of(0, length), bytesOf("HPKE-v1"), SUITE, bytesOf(label), info, Buffer.of(0x01)).subarray(
    0,
    length,
  );

export function openEnvelope(envelope: Members, seed: Buffer): Buffer {
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

// --- 8.1 and 8.2. Documents and user metadata

interface Registered {
  userId: string;
  encryptionKeyId: string;
}

/** @returns the document's id */
export function verifyDocument(
  bytes: Uint8Array,
  chainId: string,
  { userId, encryptionKeyId }: Registered,
): string {
  const record = readCanonical(bytes);
  closed({ envelope, signature: userSignature })(record, "document");
  const { envelope: sealed, signature } = record as { envelope: Members; signature: Members };
  const id = hex(sha256(canonicalBytes(sealed)));
  must(signature.keyId === userId, "wrong_document", "another owner");
  must(sealed.txId === `vdc_document:${userId}`, "wrong_document", "another's envelope");
  must(sealed.kid === encryptionKeyId, "wrong_document", "not to the owner's key");
  must(
    userSigned(
      signature as unknown as UserSignature,
      canonicalBytes({ chainId, documentId: id }),
      "vdc/document/v1",
    ),
    "wrong_document",
    "signature",
  );
  return id;
}

export function verifyUserMetadata(
  record: Json,
  chainId: string,
  { userId, encryptionKeyId }: Registered,
): void {
  closed({ userId: hash, version: positive, envelope, signature: userSignature })(record, "metadata");
  const { signature, ...signed } = record as { signature: Members; envelope: Members };
  must(Reflect.get(signed, "userId") === userId && signature.keyId === userId, "wrong_metadata", "user");
  must(signed.envelope.txId === `vdc_user:${userId}`, "wrong_metadata", "another's envelope");
  must(signed.envelope.kid === encryptionKeyId, "wrong_metadata", "not to the user's key");
  const message = canonicalBytes({ chainId, ...signed });
  must(
    userSigned(signature as unknown as UserSignature, message, "vdc/user-metadata/v1"),
    "wrong_metadata",
    "signature",
  );
}

// node:crypto expects the seeds inside a PKCS #8 structure (RFC 9881, RFC 9935).
const privateKey = (prefix: string, seed: Buffer) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from(prefix, "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
const encryptionPrivateKey = (seed: Buffer) =>
  privateKey("3054020100300b060960864801650304040204428040", seed);
export const signingPrivateKey = (seed: Buffer) =>
  privateKey("3034020100300b060960864801650304031104228020", seed);
