import * as v from "valibot";
import { base64url, fromBase64url, fromHex, hex } from "../crypto/bytes.ts";
import { canonicalBytes, parseCanonical } from "../crypto/canonical.ts";
import { BLOCK } from "../crypto/contexts.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { verify } from "../crypto/ml-dsa.ts";
import { leafHash, merkleRoot } from "./merkle.ts";
import { systemFault, type SystemFault } from "./system-transactions.ts";
import { CidV0, Sha256Hex, Timestamp, Transaction, transactionBytes } from "./transaction.ts";
import { userFault, type UserFault } from "./user-signature.ts";
import { issuesText } from "../schema/issue-text.ts";

/** `previousHash` of the genesis block. */
export const NO_PREVIOUS_HASH = "0".repeat(64);

export const BlockNumber = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(0),
  v.description("A block's number; genesis is 0"),
);

/**
 * The signed part of a block: its hash commits to every transaction and, through `historyRoot`, to every block before. Through
 * `previousCid`, a reader who has only the CID of a block finds every block before it on IPFS.
 */
export const Header = v.strictObject({
  version: v.literal(1),
  chainId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
  blockNumber: BlockNumber,
  timestamp: Timestamp,
  previousHash: Sha256Hex,
  previousCid: v.pipe(
    v.nullable(CidV0),
    v.description("CID of the stored bytes of the block before; null in genesis alone"),
  ),
  merkleRoot: Sha256Hex,
  historyRoot: Sha256Hex,
  transactionCount: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});
export type Header = v.InferOutput<typeof Header>;

/** The system's signature over the hash of a block. */
export const BlockSignature = v.strictObject({
  algorithm: v.literal("ML-DSA-44"),
  keyId: Sha256Hex,
  signature: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/)),
});
export type BlockSignature = v.InferOutput<typeof BlockSignature>;

export const Block = v.strictObject({
  ...Header.entries,
  hash: Sha256Hex,
  transactions: v.array(Transaction),
  blockSignature: BlockSignature,
});
export type Block = v.InferOutput<typeof Block>;

/** The system's active signing key, for signing a block. */
export interface BlockSigner {
  readonly keyId: string;
  sign(message: Uint8Array, context: string): Promise<Uint8Array>;
}

/** The facts about a block that the chain head fixes before the block is built. */
export interface BlockFrame {
  readonly chainId: string;
  readonly blockNumber: number;
  readonly timestamp: number;
  readonly previousHash: string;
  /** CIDv0 of the stored bytes of the block before; null for genesis. */
  readonly previousCid: string | null;
  readonly historyRoot: string;
}

/**
 * Builds and signs a block. Signing is hedged: two calls give two different signatures, so call it once and keep the
 * bytes.
 */
export async function buildBlock(
  frame: BlockFrame,
  transactions: readonly Transaction[],
  signer: BlockSigner,
): Promise<Block> {
  const header: Header = {
    version: 1,
    chainId: frame.chainId,
    blockNumber: frame.blockNumber,
    timestamp: frame.timestamp,
    previousHash: frame.previousHash,
    previousCid: frame.previousCid,
    merkleRoot: transactionsRoot(transactions),
    historyRoot: frame.historyRoot,
    transactionCount: transactions.length,
  };
  const hash = headerHash(header);
  const signature = await signer.sign(fromHex(hash), BLOCK);
  return {
    ...header,
    hash,
    transactions: [...transactions],
    blockSignature: { algorithm: "ML-DSA-44", keyId: signer.keyId, signature: base64url(signature) },
  };
}

/** The bytes that R2 and IPFS hold, and from which the CID is computed. */
export function blockBytes(block: Block): Uint8Array<ArrayBuffer> {
  return canonicalBytes(block);
}

/** SHA-256 of the canonical header: the identity of a block. */
export function headerHash(header: Header): string {
  return sha256Hex(canonicalBytes(header));
}

/** RFC 6962 §2.1 root over the canonical bytes of each transaction, signatures included. */
export function transactionsRoot(transactions: readonly Transaction[]): string {
  return hex(merkleRoot(transactions.map((transaction) => leafHash(transactionBytes(transaction)))));
}

/** The reasons why bytes are not the block that they claim to be. */
export const BLOCK_FAULTS = [
  "not_a_block", // the bytes are not canonical JSON of the block's shape
  "wrong_hash", // `hash` is not the hash of the header
  "wrong_merkle_root", // the transactions are not those that the header commits to
  "wrong_count",
  "unknown_key", // signed by a key that the chain has not announced
  "retired_key", // signed by a key that an earlier block retired
  "wrong_signature",
  "wrong_transaction_id", // the id of a user's or the system's transaction is not derived from its source
  "wrong_user_signature", // a user signature is wrong, is missing where it is required, or is present where it is not allowed
  "wrong_place", // the block is of another chain, number, predecessor (hash or CID), history or hash than expected
  "broken_rule", // the block breaks a rule across transactions: only a verifier of the whole chain can see this
] as const;
export type BlockFault = (typeof BLOCK_FAULTS)[number];

export class InvalidBlock extends Error {
  override readonly name = "InvalidBlock";
  readonly fault: BlockFault;
  constructor(fault: BlockFault, detail: string) {
    super(detail);
    this.fault = fault;
  }
}

/** Facts that the reader already knows; each given fact is checked. */
export interface ExpectedBlock {
  readonly chainId?: string;
  readonly blockNumber?: number;
  readonly previousHash?: string;
  readonly previousCid?: string | null;
  readonly historyRoot?: string;
  readonly hash?: string;
}

/**
 * Returns the base64url public key if the chain announced the key before this block, or `undefined`.
 * @throws InvalidBlock("retired_key") when the chain had retired the key by then
 */
export type SigningKeyLookup = (keyId: string, blockNumber: number) => string | undefined;

/**
 * Reads a block and recomputes all its claims: canonical form, shape, header hash, Merkle root, block signature, user
 * signatures with the ids that they cover, and the ids and places of the system's transactions. Checks the caller's own
 * facts about the block's place in the chain. The rules across transactions need all earlier blocks: `ChainVerifier`.
 * @throws InvalidBlock with the first fault found
 */
export async function verifyBlock(
  bytes: Uint8Array,
  expected: ExpectedBlock,
  signingKey: SigningKeyLookup,
): Promise<Block> {
  const block = readBlock(bytes);
  checkContents(block);
  const { hash, blockSignature } = block;
  checkPlace(block, expected);

  const publicKey = signingKey(blockSignature.keyId, block.blockNumber);
  if (publicKey === undefined)
    throw new InvalidBlock(
      "unknown_key",
      `signed by ${blockSignature.keyId}, which the chain has not announced`,
    );
  if (!(await verify(decode(blockSignature.signature), fromHex(hash), decode(publicKey), BLOCK)))
    throw new InvalidBlock("wrong_signature", "the block signature does not verify");
  await checkTransactions(block);
  return block;
}

const PLACE = ["chainId", "blockNumber", "previousHash", "previousCid", "historyRoot", "hash"] as const;

function checkPlace(block: Block, expected: ExpectedBlock): void {
  for (const name of PLACE)
    if (expected[name] !== undefined && expected[name] !== block[name])
      throw new InvalidBlock("wrong_place", `${name} is ${block[name]}, expected ${expected[name]}`);
  if ((block.previousCid === null) !== (block.blockNumber === 0))
    throw new InvalidBlock("wrong_place", "previousCid is null in genesis, and in genesis alone");
}

const USER_FAULTS: Readonly<Record<UserFault, readonly [BlockFault, (id: string, type: string) => string]>> =
  {
    unsigned: ["wrong_user_signature", (id, type) => `${id} is a ${type} without its user's signature`],
    not_to_be_signed: ["wrong_user_signature", (id, type) => `${id} is a ${type}, and no user signs one`],
    wrong_id: ["wrong_transaction_id", (id) => `${id} is not the id of what its user signed for this chain`],
    wrong_signature: ["wrong_user_signature", (id) => `the user signature of ${id} does not verify`],
  };

const SYSTEM_FAULTS: Readonly<Record<SystemFault, readonly [BlockFault, string]>> = {
  id: ["wrong_transaction_id", "is not the id of what the system made"],
  place: ["wrong_place", "stands where its type may not stand"],
};

/**
 * Checks the transactions as far as the block alone allows: the user's half of the dual signature, with the transaction's
 * id, wherever a user signed or must have signed; and the ids and places of the system's transactions.
 * @throws InvalidBlock "wrong_user_signature", "wrong_transaction_id" or "wrong_place"
 */
export async function checkTransactions(block: Block): Promise<void> {
  const { chainId, transactions } = block;
  for (const transaction of transactions) {
    const found = await userFault(transaction, chainId);
    if (found === undefined) continue;
    const [fault, detail] = USER_FAULTS[found];
    throw new InvalidBlock(fault, detail(transaction.id, transaction.type));
  }
  const wrong = systemFault(block);
  if (wrong === undefined) return;
  const [fault, text] = SYSTEM_FAULTS[wrong.fault];
  throw new InvalidBlock(fault, `${wrong.txId} ${text}`);
}

/**
 * Checks that the block's hash is the hash of its header, and that the header commits to exactly these transactions.
 * @throws InvalidBlock "wrong_hash", "wrong_count" or "wrong_merkle_root"
 */
export function checkContents(block: Block): void {
  const { hash, transactions, blockSignature: _, ...header } = block;
  if (headerHash(header) !== hash) throw new InvalidBlock("wrong_hash", "the hash is not that of the header");
  if (transactions.length !== header.transactionCount)
    throw new InvalidBlock("wrong_count", "transactionCount is not the number of transactions");
  if (transactionsRoot(transactions) !== header.merkleRoot)
    throw new InvalidBlock("wrong_merkle_root", "the Merkle root is not that of the transactions");
}

/** @throws InvalidBlock("not_a_block") */
export function readBlock(bytes: Uint8Array): Block {
  try {
    return parseCanonical(Block, bytes);
  } catch (error) {
    throw new InvalidBlock("not_a_block", reasonOf(error));
  }
}

/** Shortens the reason, however long the input is, and drops the error's class, which does not help a reader. */
function reasonOf(error: unknown): string {
  const reason =
    error instanceof v.ValiError
      ? issuesText((error as v.ValiError<typeof Block>).issues, "the block")
      : error instanceof SyntaxError
        ? "it is not JSON"
        : errorMessage(error);
  return reason.slice(0, 500).toWellFormed(); // a cut may split a surrogate pair
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text);
  } catch {
    return new Uint8Array(0); // a valid signature or key is never empty, so verification answers false
  }
}
