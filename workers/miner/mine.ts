import { chainHead } from "../../shared/chain-head.ts";
import type { Log } from "../../shared/log.ts";
import type { MineRequest } from "../../shared/messages.ts";
import { buildAndSeal } from "./build-and-seal.ts";
import { keyringOf, type Env } from "./env.ts";

/** Mines what was asked for, block after block, until nothing approved waits or enough blocks are in flight. */
export async function mine(request: MineRequest, env: Env, log: Log): Promise<void> {
  const keyring = await keyringOf(env);
  if (request.cause === "threshold") await chainHead(env).requestMining("threshold");
  for (;;) {
    const reservation = await chainHead(env).reserve();
    if ("none" in reservation) {
      log.info("mining.idle", { reason: reservation.none });
      return;
    }
    const sealed = await buildAndSeal(reservation, keyring, env, log);
    if (sealed) await env.TIER_PERSISTER_QUEUE.send({ v: 1, blockNumber: reservation.blockNumber });
  }
}
