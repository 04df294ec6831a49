import { generateKeyring, loadKeyring } from "../../../shared/crypto/keyring.ts";
import { endorse } from "../../../shared/tlog/endorsement.ts";
import { generateLogKeyring, loadLogKeyring } from "../../../shared/tlog/log-keyring.ts";
import { r2Keys } from "../../../shared/storage/layout.ts";
import type { BlockCopy } from "../../../shared/storage/tier.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { sha256, sha256Hex } from "../../../shared/crypto/hash.ts";
import { checkpoint } from "../../../workers/checkpointer/checkpoint.ts";
import type { Env } from "../../../workers/checkpointer/env.ts";
import type { LogEndorsement } from "../../../shared/tlog/endorsement.ts";
import type { Cosigned } from "../../../workers/checkpointer/log-head/cosignatures.ts";
import type { Stamp } from "../../../workers/checkpointer/log-head/stamps.ts";
import type { LogKeySet } from "../../../workers/checkpointer/log-head/keys.ts";
import type { CheckpointPair } from "../../../workers/checkpointer/log-head/schema.ts";
import type { LogBlock } from "../../../workers/chain-head/reads/log-blocks.ts";
import { MemoryBucket, SILENT } from "../stack/memory-bucket.ts";
import { TestLogHead } from "./log-head.ts";
import { longChain } from "./stored-chain.ts";

export const ORIGIN = "vdc.test/vdc-main";

/** The checkpointer over an R2 in memory, the log head's real decisions, and a chain that is published as the test says. */
export class CheckpointWorld {
  readonly bucket = new MemoryBucket();
  head = new TestLogHead();
  readonly chain: readonly BlockCopy[];
  readonly #systemKeyring: string;
  logKeyring = generateLogKeyring();
  /** Settings of the checkpointer besides its origin. */
  settings: Partial<Pick<Env, "TSA_URLS" | "TSA_ISSUERS" | "WITNESS_POLICY">> = {};
  published = 0;
  halted = false;
  /** The reports and halts that the chain head got. */
  readonly told: (string | number)[] = [];
  /** Number of messages to the miner. */
  asked = 0;
  /** Runs before each call of the outside, so that a test can make it fail. */
  before: (call: string) => void = () => {};

  private constructor(systemKeyring: string, chain: readonly BlockCopy[]) {
    this.#systemKeyring = systemKeyring;
    this.chain = chain;
    this.bucket.before = (call, key) => this.before(`R2 ${call} ${key}`);
    for (const { block, bytes } of chain) this.bucket.set(r2Keys.block(block.blockNumber), bytes);
  }

  static async of(length: number): Promise<CheckpointWorld> {
    const keyring = await generateKeyring();
    return new CheckpointWorld(keyring, await longChain(keyring, length));
  }

  /** The rows of the chain head's table, one transaction in each block. */
  #rows(from: number, end: number): LogBlock[] {
    return this.chain.slice(from, end).map(({ block, bytes }) => ({
      blockNumber: block.blockNumber,
      hash: block.hash,
      sha256: sha256Hex(bytes),
      transactionCount: 1,
      firstEntry: block.blockNumber,
    }));
  }

  /** The chain head's facts of finished blocks. */
  #facts(from: number, end: number) {
    return this.chain.slice(from, Math.min(end, this.published)).map(({ block, bytes, cid }) => ({
      blockNumber: block.blockNumber,
      state: "complete" as const,
      hash: block.hash,
      sha256: sha256Hex(bytes),
      ipfsHash: cid,
      firstEntry: block.blockNumber,
    }));
  }

  readonly #chainHead = {
    logBlocks: async (from: number, limit: number) => ({
      halted: this.halted,
      published: this.published,
      blocks: this.#rows(from, Math.min(this.published, from + limit)),
    }),
    block: async (blockNumber: number) => this.#facts(blockNumber, blockNumber + 1)[0] ?? null,
    publishedBlocks: async (before: number, limit: number) =>
      this.#facts(Math.max(0, before - limit), before).toReversed(),
    blocksOfEntries: async (first: number, end: number) => this.#rows(first, end),
    checkpointed: async (size: number) => {
      this.before("chain-head.checkpointed");
      this.told.push(size);
    },
    halt: async (reason: string) => {
      this.halted = true;
      this.told.push(reason);
    },
  };

  readonly #logHead = {
    registerKeys: async (keys: LogKeySet) => this.head.registerKeys(keys),
    facts: async () => this.head.facts(),
    commit: async (pair: CheckpointPair) => {
      this.before("log-head.commit");
      const committed = this.head.commit(pair);
      this.before("log-head.commit, answered");
      return committed;
    },
    beginRound: async (policy: string, pauseMs: number) => this.head.beginRound(policy, pauseMs, Date.now()),
    addCosignatures: async (cosigned: Cosigned) => this.head.addCosignatures(cosigned),
    stamped: async (stamp: Stamp) => {
      this.before("log-head.stamped");
      this.head.stamped(stamp);
    },
    shown: async (size: number) => {
      this.before("log-head.shown");
      this.head.shown(size);
    },
  };

  get env(): Env {
    return {
      CHAIN_ID: "vdc-main",
      LOG_ORIGIN: ORIGIN,
      LOG_KEYRING: this.logKeyring,
      WITNESS_POLICY: "",
      TSA_URLS: "",
      TSA_ISSUERS: "",
      WITNESS_EVERY_SECONDS: "60",
      TIMESTAMP_EVERY_SECONDS: "3600",
      ...this.settings,
      R2: this.bucket,
      CHAIN_HEAD: { getByName: () => this.#chainHead },
      LOG_HEAD: { getByName: () => this.#logHead },
      MINER_QUEUE: { send: async () => void this.asked++ },
    } as unknown as Env;
  }

  /** Endorses the keys that wait, as the miner does. */
  async endorse(): Promise<LogEndorsement | undefined> {
    const waiting = this.head.keysToEndorse();
    if (waiting === null) return undefined;
    const { signing } = await loadKeyring(this.#systemKeyring);
    const genesisHash = this.chain[0]?.block.hash ?? "";
    const endorsement = await endorse({ ...waiting, genesisHash }, signing.active);
    this.head.endorsed(endorsement);
    return endorsement;
  }

  /** A checkpoint of the newest size over other blocks, signed by the log's own keys. */
  async forkedCheckpoint(): Promise<string> {
    const keyring = await loadLogKeyring(this.logKeyring);
    const size = this.head.facts().shown?.size ?? 0;
    return keyring.signer(ORIGIN).sign({ size, root: sha256(utf8("other blocks")) }, 1);
  }

  checkpoint(): Promise<void> {
    return checkpoint({ v: 1, blockNumber: Math.max(0, this.published - 1) }, this.env, SILENT);
  }

  /** Publishes this number of blocks, and makes checkpoints until they cover them. */
  async publish(blocks: number): Promise<void> {
    this.published = blocks;
    await this.checkpoint().catch(() => this.endorse());
    while ((this.head.facts().shown?.size ?? 0) < blocks) await this.checkpoint();
  }
}
