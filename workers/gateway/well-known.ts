import * as v from "valibot";
import { chainHead } from "../../shared/chain-head.ts";
import { json } from "../../shared/http/answer.ts";
import { CORS } from "./cors.ts";
import { operation } from "./operation.ts";

/** Trust the genesis hash from elsewhere; the keys follow from the blocks. */
export const wellKnown = operation(
  {
    does: "What a stranger needs to begin verifying: chain id, genesis hash, signing keys",
    who: "anyone",
    answers: { 200: v.unknown() },
  },
  async ({ env }) => {
    const { chainId, genesisHash, latest, signingKeys } = await chainHead(env).head();
    return json(
      {
        chainId,
        formatVersion: 1,
        genesisHash,
        latestBlock: latest?.blockNumber ?? null,
        signingKeys: signingKeys.map(({ keyId, publicKey, announcedIn, firstBlock, lastBlock }) => ({
          keyId,
          algorithm: "ML-DSA-44",
          publicKey,
          announcedIn,
          blocks: firstBlock === null ? null : { first: firstBlock, last: lastBlock },
        })),
        ipfsGatewayUrl: env.IPFS_GATEWAY_URL,
      },
      { headers: { ...CORS, "cache-control": "public, max-age=10" } },
    );
  },
);
