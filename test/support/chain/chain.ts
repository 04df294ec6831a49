import { blockBytes, buildBlock, NO_PREVIOUS_HASH, type Block } from "../../../shared/chain/block.ts";
import { append, historyRoot, type NodeStore } from "../../../shared/chain/history.ts";
import type { ChainKey } from "../../../shared/chain/signing-keys.ts";
import { submissionTxId } from "../../../shared/chain/submission.ts";
import {
  signedTransactionBytes,
  txIdOf,
  type EncryptionKey,
  type SigningKey,
  type Transaction,
} from "../../../shared/chain/transaction.ts";
import { base64url, fromHex, hex, utf8 } from "../../../shared/crypto/bytes.ts";
import { cidV0 } from "../../../shared/crypto/cid.ts";
import { TRANSACTION } from "../../../shared/crypto/contexts.ts";
import { keyId } from "../../../shared/crypto/key-id.ts";
import { importSigningSeed, type SigningSecret } from "../../../shared/crypto/ml-dsa.ts";
import { sha256 } from "../../../shared/crypto/hash.ts";

export const CHAIN_ID = "vdc-test";

export interface Signer extends SigningSecret {
  readonly keyId: string;
}

/** Derives a signer from a name. The same name gives the same key. */
export async function signerOf(name: string): Promise<Signer> {
  const secret = await importSigningSeed(sha256(utf8(`signing seed of ${name}`)));
  const { publicKey } = secret;
  return {
    publicKey,
    keyId: keyId("ML-DSA-44", publicKey),
    sign: (message, context) => secret.sign(message, context),
  };
}

export function announced({ keyId, publicKey }: Signer): SigningKey {
  return { keyId, algorithm: "ML-DSA-44", publicKey: base64url(publicKey) };
}

export function payment(name: string, timestamp = 1_000): Transaction {
  return { id: txIdOf({ source: "test", name }), type: "payment", timestamp, data: {}, signatures: {} };
}

export function genesis(signer: Signer, chainId = CHAIN_ID): Transaction {
  return {
    id: txIdOf({ source: "genesis", chainId }),
    type: "genesis",
    timestamp: 1_000,
    data: { chainId, formatVersion: 1, signingKeys: [announced(signer)], encryptionKeys: [] },
    signatures: {},
  };
}

export function rotation(signer: Signer): Transaction {
  return {
    id: txIdOf({ source: "key_rotation", chainId: CHAIN_ID, keyId: signer.keyId }),
    type: "key_rotation",
    timestamp: 1_000,
    data: announced(signer),
    signatures: {},
  };
}

export function revocation({ keyId }: Signer, fromBlock: number, reason = "stolen"): Transaction {
  return {
    id: txIdOf({ source: "key_revocation", chainId: CHAIN_ID, keyId, fromBlock }),
    type: "key_revocation",
    timestamp: 1_000,
    data: { keyId, fromBlock, reason },
    signatures: {},
  };
}

/** Returns keys with the blocks that announce them, the oldest first, as a chain knows them. */
export function chainKeys(...keys: readonly (readonly [Signer, number])[]): ChainKey[] {
  return keys.map(([{ keyId, publicKey }, announcedIn], i) => ({
    keyId,
    publicKey: base64url(publicKey),
    announcedIn,
    retiredIn: keys[i + 1]?.[1] ?? null,
    revocation: null,
  }));
}

/** Signs the transaction as this user submits it. The id follows from chain, key and contents. */
export function signedBy(user: Signer, transaction: Transaction, chainId = CHAIN_ID): Promise<Transaction> {
  const id = submissionTxId(chainId, user.keyId, transaction);
  return withSignature(user, { ...transaction, id });
}

/** Signs the transaction under the id that it has. */
export async function withSignature(user: Signer, transaction: Transaction): Promise<Transaction> {
  const signature = base64url(await user.sign(signedTransactionBytes(transaction), TRANSACTION));
  return { ...transaction, signatures: { user: { ...announced(user), signature } } };
}

type Contents = Pick<Transaction, "type" | "data"> & Partial<Pick<Transaction, "timestamp">>;

/** Makes an unsigned transaction. `signedBy` signs it. */
export function contents({ type, data, timestamp = 1_000 }: Contents): Transaction {
  const unsigned = { type, timestamp, data, signatures: {} };
  return { ...unsigned, id: txIdOf({ source: "test", type, data }) } as Transaction;
}

export const creation = (assetId: string) => contents({ type: "asset_creation", data: { assetId } });

export const transfer = (assetId: string, to: Signer) =>
  contents({ type: "asset_transfer", data: { assetId, newOwnerKeyId: to.keyId } });

export function registration(user: Signer, encryptionKey: EncryptionKey = ANY_ENCRYPTION_KEY): Transaction {
  return contents({ type: "user_registration", data: { signingKey: announced(user), encryptionKey } });
}

const ANY_PUBLIC_KEY = new Uint8Array(1184);

const ANY_ENCRYPTION_KEY: EncryptionKey = {
  keyId: keyId("ML-KEM-768", ANY_PUBLIC_KEY),
  algorithm: "ML-KEM-768",
  publicKey: base64url(ANY_PUBLIC_KEY),
};

/** Makes a chain block by block, as the chain head and the miner do. */
export class TestChain {
  readonly blocks: Block[] = [];
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #store: NodeStore = {
    get: (level, index) => this.#nodes.get(`${level}/${index}`) ?? new Uint8Array(),
    set: (level, index, hash) => void this.#nodes.set(`${level}/${index}`, hash),
  };

  /** Builds the block that `add` would add, with the given changes. The chain stays as it is. */
  async build(
    transactions: readonly Transaction[],
    signer: Signer,
    changes: Partial<
      Pick<Block, "chainId" | "blockNumber" | "timestamp" | "previousHash" | "previousCid" | "historyRoot">
    > = {},
  ): Promise<Block> {
    const blockNumber = this.blocks.length;
    const previous = this.blocks.at(-1);
    const frame = {
      chainId: CHAIN_ID,
      blockNumber,
      timestamp: 1_000 + blockNumber,
      previousHash: previous?.hash ?? NO_PREVIOUS_HASH,
      previousCid: previous === undefined ? null : await cidV0(blockBytes(previous)),
      historyRoot: hex(historyRoot(this.#store, blockNumber)),
      ...changes,
    };
    return buildBlock(frame, transactions, signer);
  }

  async add(transactions: readonly Transaction[], signer: Signer): Promise<Block> {
    const block = await this.build(transactions, signer);
    append(this.#store, this.blocks.length, fromHex(block.hash));
    this.blocks.push(block);
    return block;
  }

  bytes(): Uint8Array[] {
    return this.blocks.map(blockBytes);
  }
}
