import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { BLOCK_STATES } from "../chain/states.ts";
import { CidV0, Sha256Hex } from "../chain/transaction.ts";
import { Count } from "./count.ts";
import { number } from "./parameters.ts";
import type { Plan } from "./plan.ts";

const MAX_WAIT_SECONDS = 60;

export const MinedBlock = v.pipe(
  v.strictObject({
    blockNumber: BlockNumber,
    hash: Sha256Hex,
    ipfsHash: CidV0,
    r2Key: v.string(),
    transactions: Count,
  }),
  v.description("The block is complete and published"),
);
export type MinedBlock = v.InferOutput<typeof MinedBlock>;

export const NothingMined = v.strictObject({
  mined: v.literal(false),
  reason: v.picklist(["nothing_pending", "all_set_aside"]),
  detail: v.string(),
});
export type NothingMined = v.InferOutput<typeof NothingMined>;

export const MiningRequested = v.pipe(
  v.strictObject({
    blockNumber: BlockNumber,
    transactions: Count,
    state: v.picklist(["requested", ...BLOCK_STATES]),
    statusUrl: v.string(),
  }),
  v.description("The block is being made"),
);
export type MiningRequested = v.InferOutput<typeof MiningRequested>;

export const mine = {
  does: "Approves: all that waits now is signed and mined",
  who: "operator",
  query: v.strictObject({
    wait: number(
      { least: 0, most: MAX_WAIT_SECONDS, otherwise: 0 },
      "Seconds to wait for the finished block; 0 answers at once",
    ),
  }),
  answers: { 200: v.union([MinedBlock, NothingMined]), 202: MiningRequested },
  problems: ["halted"],
} as const satisfies Plan;
