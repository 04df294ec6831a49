import { chainHead } from "../../shared/chain-head.ts";
import type { Log } from "../../shared/log.ts";
import type { MineRequest } from "../../shared/messages.ts";
import { r2Keys } from "../../shared/storage/layout.ts";
import { buildAndSeal } from "./build-and-seal.ts";
import { keyringOf, type Env } from "./env.ts";

/** Blocks, or sealed bytes on their way to become some. */
async function archiveHoldsChain(bucket: R2Bucket): Promise<boolean> {
  const pages = await Promise.all(
    [r2Keys.blockPrefix, r2Keys.allSealedPrefix].map((prefix) => bucket.list({ prefix, limit: 1 })),
  );
  return pages.some(({ objects }) => objects.length > 0);
}

/** Mines what was asked for, block after block, until nothing approved waits or enough blocks are in flight. */
export async function mine(request: MineRequest, env: Env, log: Log): Promise<void> {
  const keyring = await keyringOf(env);
  if (request.cause === "threshold") await chainHead(env).requestMining("threshold");
  for (;;) {
    const reservation = await chainHead(env).reserve();
    if ("none" in reservation && reservation.none === "not_founded") {
      await chainHead(env).found({
        life: reservation.life,
        archive: await archiveHoldsChain(env.R2),
      });
      continue;
    }
    if ("none" in reservation) {
      log.info("mining.idle", { reason: reservation.none });
      return;
    }
    const sealed = await buildAndSeal(reservation, keyring, env, log);
    if (sealed) await env.TIER_PERSISTER_QUEUE.send({ v: 1, blockNumber: reservation.blockNumber });
  }
}
