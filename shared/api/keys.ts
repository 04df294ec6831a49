import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { KeyRevocation, Sha256Hex } from "../chain/transaction.ts";
import type { Plan } from "./plan.ts";

const { fromBlock, reason } = KeyRevocation.entries;

export const RevocationRequest = v.strictObject({ fromBlock, reason });
export type RevocationRequest = v.InferOutput<typeof RevocationRequest>;

export const KeyRevoked = v.pipe(
  v.strictObject({ ...KeyRevocation.entries, blockNumber: BlockNumber }),
  v.description("The block states it; the reason is the one that stands there"),
);
export type KeyRevoked = v.InferOutput<typeof KeyRevoked>;

export const RevocationRequested = v.pipe(
  v.strictObject({ ...KeyRevocation.entries, statusUrl: v.string() }),
  v.description("The next block states it, and is made at once"),
);
export type RevocationRequested = v.InferOutput<typeof RevocationRequested>;

export const revokeKey = {
  does: "Has the next block state, for ever, from which block on a retired signing key is not to be trusted",
  who: "operator",
  params: v.strictObject({ keyId: Sha256Hex }),
  body: RevocationRequest,
  answers: { 200: KeyRevoked, 202: RevocationRequested },
  problems: ["not-found", "not-ready", "not-needed", "personal-data"],
} as const satisfies Plan;
