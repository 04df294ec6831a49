import * as v from "valibot";
import { BlockNumber, Header } from "../chain/block.ts";
import { CidV0, Sha256Hex, Timestamp } from "../chain/transaction.ts";
import { BlockRecord } from "../storage/kv-tier.ts";
import { number, NumberOfBlock } from "./parameters.ts";
import type { Plan } from "./plan.ts";

export const Latest = v.strictObject({
  blockNumber: BlockNumber,
  hash: Sha256Hex,
  ipfsHash: CidV0,
  timestamp: Timestamp,
});
export type Latest = v.InferOutput<typeof Latest>;

export const latest = {
  does: "Where the chain ends: number, hash and CID of the latest block",
  who: "anyone",
  answers: { 200: Latest },
  problems: ["not-found"],
  beyondKv: true,
} as const satisfies Plan;

export const block = {
  does: "A block, from the first tier whose copy is sound",
  who: "anyone",
  params: v.strictObject({ blockNumber: NumberOfBlock }),
  headers: { "if-none-match": "an ETag that you have: then 304 when it is still right, as it always is" },
  answers: { 200: BlockRecord, 304: { contentType: null } },
  problems: ["not-found", "unavailable"],
  beyondKv: true,
} as const satisfies Plan;

const ANY_NUMBER = { least: 0, most: Number.MAX_SAFE_INTEGER, otherwise: Number.MAX_SAFE_INTEGER };

const { blockNumber, previousHash, previousCid, historyRoot, timestamp, transactionCount } = Header.entries;

export const BlockPage = v.strictObject({
  blocks: v.array(
    v.strictObject({
      blockNumber,
      hash: Sha256Hex,
      previousHash,
      previousCid,
      historyRoot,
      timestamp,
      transactionCount,
      ipfsHash: CidV0,
    }),
  ),
  next: v.pipe(v.nullable(BlockNumber), v.description("The `before` of the page after; null on the last")),
});
export type BlockPage = v.InferOutput<typeof BlockPage>;

export const blocks = {
  does: "Headers of the published blocks, the newest first; `before` is exclusive",
  who: "anyone",
  query: v.strictObject({
    before: number(ANY_NUMBER, "Only blocks below this number: `next` of the page before"),
    limit: number({ least: 1, most: 100, otherwise: 20 }, "Blocks in a page, at most"),
  }),
  answers: { 200: BlockPage },
  beyondKv: true,
} as const satisfies Plan;
