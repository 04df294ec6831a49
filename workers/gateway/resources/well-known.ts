import { chainHead } from "../../../shared/objects/chain-head.ts";
import { json } from "../../../shared/http/answer.ts";
import { operation } from "../http/operation.ts";
import { logState } from "./log-state.ts";
import { countReadBeyondKv } from "../http/rate-limit.ts";
import * as api from "../../../shared/api/well-known.ts";

/** The caller must get the genesis hash from a trusted source elsewhere; the keys follow from the blocks. */
export const wellKnown = operation(api.wellKnown, async (call) => {
  const { env } = call;
  await countReadBeyondKv(call);
  const { chainId, genesisHash, latest, indexedThrough, signingKeys } = await chainHead(env).head();
  const { endorsements } = await logState(env);
  const newest = endorsements.at(-1);
  return json(
    {
      chainId,
      formatVersion: 1,
      genesisHash,
      latestBlock: latest?.blockNumber ?? null,
      indexedThrough,
      signingKeys: signingKeys.map(({ firstBlock, lastBlock, ...key }) => ({
        ...key,
        algorithm: "ML-DSA-44",
        blocks: firstBlock === null ? null : { first: firstBlock, last: lastBlock },
      })),
      ipfsGatewayUrl: env.IPFS_GATEWAY_URL,
      log:
        newest === undefined
          ? null
          : {
              origin: newest.origin,
              checkpointUrl: "/log/checkpoint",
              transactionCheckpointUrl: "/log/tx/checkpoint",
              keysUrl: "/log/keys.json",
              vkeys: [...newest.vkeys],
            },
    } satisfies api.WellKnown,
    { headers: { "cache-control": "public, max-age=10" } },
  );
});
