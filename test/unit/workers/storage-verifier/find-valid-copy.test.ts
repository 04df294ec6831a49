import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { blockBytes, buildBlock } from "../../../../shared/chain/block.ts";
import { append, historyRoot, type NodeStore } from "../../../../shared/chain/history.ts";
import { base64url, fromHex, hex, utf8 } from "../../../../shared/crypto/bytes.ts";
import { sha256HexOfFile } from "../../../../shared/crypto/hash.ts";
import { generateKeyring, loadKeyring, type Keyring } from "../../../../shared/crypto/keyring.ts";
import { r2Keys } from "../../../../shared/storage/layout.ts";
import { r2Tier } from "../../../../shared/storage/r2-tier.ts";
import { stagedMetadata } from "../../../../shared/storage/staged.ts";
import type { BlockCopy } from "../../../../shared/storage/tier.ts";
import { findValidCopy } from "../../../../workers/storage-verifier/restore/find-valid-copy.ts";
import type { Env } from "../../../../workers/storage-verifier/env.ts";
import { stagedAttempts } from "../../../../workers/storage-verifier/restore/staged-attempts.ts";
import { MemoryBucket } from "../../../support/stack/memory-bucket.ts";
import { longChain } from "../../../support/chain/stored-chain.ts";

const BLOCK_1 = r2Keys.block(1);
const [FIRST_LIFE, SECOND_LIFE] = ["2027-01-15T08:00:00.000Z/a", "2027-01-15T09:00:00.000Z/b"];

let signer: Keyring["signing"]["active"];
let genesis: BlockCopy;
/** Block 1 as it was sealed, and the next block. */
let sealed: BlockCopy;
let next: BlockCopy;
/** Another attempt at block 1 with the same transactions: the same hash, other bytes. */
let other: Uint8Array<ArrayBuffer>;
let bucket: MemoryBucket;
let erased: readonly string[];

async function anotherAttempt({ block }: BlockCopy, changes = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { hash: _, blockSignature: __, transactions, ...frame } = { ...block, ...changes };
  return blockBytes(await buildBlock(frame, transactions, signer));
}

async function stage(
  bytes: Uint8Array<ArrayBuffer>,
  from?: { life: string; revision: number },
  blockNumber = 1,
): Promise<string> {
  const key = r2Keys.sealed(blockNumber, await sha256HexOfFile(bytes));
  bucket.set(key, bytes, from && stagedMetadata(from));
  return key;
}

/** Returns the copy that a restore finds for block 1, by its SHA-256. */
async function found(): Promise<string> {
  const nodes = new Map<string, Uint8Array>();
  const store: NodeStore = {
    get: (level, index) => nodes.get(`${level}/${index}`) ?? new Uint8Array(),
    set: (level, index, node) => void nodes.set(`${level}/${index}`, node),
  };
  append(store, 0, fromHex(genesis.block.hash));
  const point = {
    life: SECOND_LIFE,
    erasures: { through: null, all: true },
    blockNumber: 1,
    previousHash: genesis.block.hash,
    previousCid: genesis.cid,
    historyRoot: hex(historyRoot(store, 1)),
    signingKeys: [
      {
        keyId: signer.keyId,
        publicKey: base64url(signer.publicKey),
        announcedIn: 0,
        retiredIn: null,
        revocation: null,
      },
    ],
  };
  const chainHead = {
    ledger: async () => ({ asOf: 0, assets: [], users: [] }),
    erasedAmong: async (txIds: readonly string[]) => txIds.filter((txId) => erased.includes(txId)),
  };
  const env = {
    CHAIN_ID: "vdc-main",
    R2: bucket,
    KV: { getWithMetadata: async () => ({ value: null, metadata: null }) },
    PINATA_JWT: "a token of some length",
    IPFS_GATEWAY_URL: "https://gateway.example",
    PIN_DEADLINE_SECONDS: "10",
    CHAIN_HEAD: { getByName: () => chainHead },
  };
  const answer = await findValidCopy(point, env as unknown as Env);
  return "block" in answer ? answer.block.sha256 : answer.faults;
}

const sha256 = (bytes: Uint8Array<ArrayBuffer>) => sha256HexOfFile(bytes);
const archived = async () => sha256(bucket.bytes(BLOCK_1) ?? new Uint8Array());

beforeAll(async () => {
  const keyring = await generateKeyring();
  signer = (await loadKeyring(keyring)).signing.active;
  [genesis, sealed, next] = (await longChain(keyring, 3)) as [BlockCopy, BlockCopy, BlockCopy];
  other = await anotherAttempt(sealed);
});

beforeEach(() => {
  bucket = new MemoryBucket();
  erased = [];
});

describe("the copy that a restore takes", () => {
  it("is the one that a Worker of the life before archives meanwhile, which is not overwritten", async () => {
    await stage(other);
    await stage(sealed.bytes, { life: FIRST_LIFE, revision: 7 });
    let persister: Promise<void> | undefined;
    bucket.before = async (call) => {
      if (call !== "list") return;
      persister ??= r2Tier(bucket as never).store(sealed);
      await persister;
    };
    expect(await found()).toBe(await sha256(sealed.bytes));
    expect(await archived()).toBe(await sha256(sealed.bytes));
  });

  it("takes the place of wrong bytes, which are kept as evidence, but not of what was archived since", async () => {
    const wrong = utf8("wrong bytes");
    await stage(other);
    bucket.set(BLOCK_1, wrong);
    expect(await found()).toBe(await sha256(other));
    expect(await archived()).toBe(await sha256(other));
    expect(bucket.keys()).toContain(r2Keys.evidence(1, "r2", await sha256(wrong)));

    bucket.set(BLOCK_1, wrong);
    bucket.before = (call, key) => {
      if (call === "put" && key === BLOCK_1) bucket.set(BLOCK_1, sealed.bytes);
    };
    expect(await found()).toBe(await sha256(sealed.bytes));
  });
});

describe("of several staged attempts a restore takes", () => {
  it("first what an operator brought, then the latest life, then the latest revision", async () => {
    const keys = [
      await stage(utf8("brought")),
      await stage(utf8("second life"), { life: SECOND_LIFE, revision: 2 }),
      await stage(utf8("first life, later"), { life: FIRST_LIFE, revision: 10 }),
      await stage(utf8("first life"), { life: FIRST_LIFE, revision: 9 }),
    ];
    const attempts = await stagedAttempts(1, { R2: bucket } as unknown as Env);
    expect(attempts.map(({ key }) => key)).toEqual(keys);
  });

  it("the one of the latest revision: an earlier one was refused as stale", async () => {
    const stale = await anotherAttempt(sealed, { timestamp: sealed.block.timestamp + 1 });
    await stage(stale, { life: FIRST_LIFE, revision: 9 });
    await stage(sealed.bytes, { life: FIRST_LIFE, revision: 10 });
    expect(await found()).toBe(await sha256(sealed.bytes));
  });

  it("the one of the latest life, whatever its revision", async () => {
    const stale = await anotherAttempt(sealed, { timestamp: sealed.block.timestamp + 1 });
    await stage(stale, { life: FIRST_LIFE, revision: 10 });
    await stage(sealed.bytes, { life: SECOND_LIFE, revision: 2 });
    expect(await found()).toBe(await sha256(sealed.bytes));
  });

  it("the one that the next block names, and the one that an operator brought", async () => {
    const later = await anotherAttempt(sealed, { timestamp: sealed.block.timestamp + 1 });
    await stage(later, { life: FIRST_LIFE, revision: 10 });
    await stage(sealed.bytes, { life: FIRST_LIFE, revision: 9 });
    await stage(next.bytes, { life: FIRST_LIFE, revision: 11 }, 2);
    erased = sealed.block.transactions.map(({ id }) => id);
    expect(await found()).toBe(await sha256(sealed.bytes));

    bucket = new MemoryBucket();
    erased = [];
    await stage(later, { life: SECOND_LIFE, revision: 10 });
    await stage(sealed.bytes);
    expect(await found()).toBe(await sha256(sealed.bytes));
  });

  it("the one whose bytes the next block names, when two differ in nothing but the signature", async () => {
    await stage(other, { life: FIRST_LIFE, revision: 10 });
    await stage(sealed.bytes, { life: FIRST_LIFE, revision: 9 });
    await stage(next.bytes, { life: FIRST_LIFE, revision: 11 }, 2);
    expect(await found()).toBe(await sha256(sealed.bytes));
  });

  it("none that holds an erased transaction, and deletes it so that the restore can end", async () => {
    const stale = await stage(sealed.bytes, { life: FIRST_LIFE, revision: 9 });
    erased = sealed.block.transactions.map(({ id }) => id);
    expect(await found()).toContain("never sealed, because it holds an erased transaction");
    expect(bucket.keys()).not.toContain(stale);
    expect(bucket.bytes(BLOCK_1)).toBeUndefined();
  });
});
