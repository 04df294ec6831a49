import * as v from "valibot";
import { BlockNumber } from "../chain/block.ts";
import { Sha256Hex } from "../chain/transaction.ts";
import { CLAIM } from "./indexed-through.ts";
import type { Plan } from "./plan.ts";

export const WellKnown = v.strictObject({
  chainId: v.string(),
  formatVersion: v.literal(1),
  genesisHash: v.pipe(v.nullable(Sha256Hex), v.description("null before the first block")),
  latestBlock: v.nullable(BlockNumber),
  ...CLAIM,
  signingKeys: v.array(
    v.strictObject({
      keyId: Sha256Hex,
      algorithm: v.literal("ML-DSA-44"),
      publicKey: v.string(),
      announcedIn: v.pipe(BlockNumber, v.description("The block that announces it")),
      retiredIn: v.pipe(
        v.nullable(BlockNumber),
        v.description(
          "The block that announces the key after it, the last that it may sign; null for the present key",
        ),
      ),
      revocation: v.pipe(
        v.nullable(
          v.strictObject({
            fromBlock: BlockNumber,
            reason: v.string(),
            blockNumber: v.pipe(BlockNumber, v.description("The block that says so")),
          }),
        ),
        v.description("From which block on it is not to be trusted; null: it was not revoked"),
      ),
      blocks: v.pipe(
        v.nullable(v.strictObject({ first: BlockNumber, last: v.nullable(BlockNumber) })),
        v.description("The blocks that it signed; null for none yet"),
      ),
    }),
  ),
  ipfsGatewayUrl: v.string(),
  log: v.pipe(
    v.nullable(
      v.strictObject({
        origin: v.pipe(v.string(), v.description("Name of the log of blocks")),
        checkpointUrl: v.string(),
        transactionCheckpointUrl: v.string(),
        keysUrl: v.pipe(v.string(), v.description("The block key's endorsements of the logs' keys")),
        vkeys: v.pipe(
          v.array(v.string()),
          v.description("Verifier keys: two of the log of blocks, then two of the log of transactions"),
        ),
      }),
    ),
    v.description("The transparency logs of the chain; null before their first keys"),
  ),
});
export type WellKnown = v.InferOutput<typeof WellKnown>;

export const wellKnown = {
  does: "What a stranger needs to begin verifying: chain id, genesis hash, signing keys",
  who: "anyone",
  answers: { 200: WellKnown },
  beyondKv: true,
} as const satisfies Plan;
